# SPDX-License-Identifier: Apache-2.0
"""Fixed vectors and small helpers that several test modules share; fixtures stand in conftest.py."""

import base64
import hashlib
import hmac
import json
import os
import random
import secrets
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from sandbox import faults, jumio_records
from sandbox.jumio import JumioStandIn
from sandbox.jumio_records import Workflow
from sandbox.kratos import KratosStandIn
from webhook import wiring
from webhook.core.assurance import Assurance, with_steps
from webhook.core.evidence import Check, Decision, Reading
from webhook.core.record import Record, Reverification
from webhook.core.status import Status, Verdict
from webhook.core.times import to_text
from webhook.idv.jumio import words
from webhook.ory.kratos.metadata import admin_member, public_member, read_record
from webhook.settings import Settings, shipped_table
from webhook.web.app import create_app

# One for the whole run, in every process of it: https://hypothesis.readthedocs.io/en/latest/reference/api.html (seed).
# Whatever is random derives from it, and pytest's header tells it, so that a red run can be had again.
SEED = int(os.environ.setdefault("TEST_SEED", str(secrets.randbelow(1_000_000_000))))

# Seconds within which whatever would wait for ever must have ended, however busy the machine is.
SOON = 5.0

IDENTITY = "9f425a8d-7efc-4768-8f23-7647a74fdf13"
OTHER_IDENTITY = "7a1cbd0c-3c5e-4b0f-9a55-0f8e3c9d2b11"
ACCOUNT = "11111111-1111-1111-1111-aaaaaaaaaaaa"
WORKFLOW = "22222222-2222-2222-2222-aaaaaaaaaaaa"
NEWER_WORKFLOW = "33333333-3333-3333-3333-aaaaaaaaaaaa"
OUR_LINK = "https://hook.example.com/jumio/verify/our-token"
LINK = "https://example.web.emea-1.jumio.ai/web/v4/app?authorizationToken=link-token&locale=en"

ORY_SECRET = "ory-secret-for-tests"
OLD_ORY_SECRET = "ory-secret-of-last-year"
CALLBACK_SECRET = "sandbox-callback-secret"
OLD_CALLBACK_SECRET = "callback-secret-of-last-year"
CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-client-secret"
API_KEY = "ory_apikey_for_tests"
AUTH = {"Authorization": f"Bearer {ORY_SECRET}"}

NOW = datetime(2026, 3, 2, 18, 48, 37, 319000, tzinfo=UTC)

REQUIRED = {
    "ORY_WEBHOOK_SECRET": f"{ORY_SECRET}, {OLD_ORY_SECRET}",
    "KRATOS_ADMIN_URL": "http://kratos.invalid:4434",
    "JUMIO_AUTH_URL": "https://auth.emea-1.jumio.invalid/oauth2/token",
    "JUMIO_API_BASE_URL": "https://account.emea-1.jumio.invalid/api/v1",
    "JUMIO_CLIENT_ID": CLIENT_ID,
    "JUMIO_CLIENT_SECRET": CLIENT_SECRET,
    "JUMIO_CALLBACK_SECRET": f"{CALLBACK_SECRET}, {OLD_CALLBACK_SECRET}",
}

TABLE = shipped_table()
# The least assurance table there can be.
LEAST = 'version = "1"\nwarning_cap = 1\n[[levels]]\nlevel = 1\nname = "contact"\n'
# What the stand-in's passed workflow brings, and what the shipped table makes of it.
PASSED_CHECKS = tuple(
    Check(capability=name, decision="PASSED", label=label, data={})
    for name, label in (
        ("dataChecks", "OK"),
        ("extraction", "OK"),
        ("imageChecks", "OK"),
        ("liveness", "OK"),
        ("similarity", "MATCH"),
        ("usability", "OK"),
    )
)
FACE_CHECKS = tuple(
    Check(capability=name, decision="PASSED", label="OK", data={})
    for name in ("authentication", "liveness", "usability")
)

# An open further workflow of somebody who was verified.
FURTHER = Reverification(
    reason="risk",
    due_at="2026-03-09T18:48:37.319Z",
    workflow_execution_id=NEWER_WORKFLOW,
    verification_url=OUR_LINK,
    vendor_url=LINK,
    initiated_at="2026-03-02T18:48:37.000Z",
    workflow_key=10014,
)

# A Kratos without hooks: the service is called by the tests, not by the stand-in.
NO_HOOKS = """
selfservice:
  flows:
    registration: {after: {hooks: []}}
    login: {after: {hooks: []}}
"""

# What nobody should send, by name; each is malformed for every route.
HOSTILE_BODIES = {
    "empty": b"",
    "not JSON": b"identity=1",
    "cut short": b'{"identity": {"id": ',
    "a string": b'"identity"',
    "a number": b"1",
    "null": b"null",
    "true": b"true",
    "a list": b'[{"identity": {}}]',
    "a duplicate key": b'{"identity": {"id": "a"}, "identity": {"id": "b"}}',
    "a duplicate key far inside": b'{"identity": {}, "flow": [{"a": {"b": 1, "b": 1}}]}',
    "keys that are equal once unescaped": b'{"identity": 1, "\\u0069dentity": 2}',
    "lists nested deeply": b'{"flow": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "objects nested deeply": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "NaN": b'{"identity": NaN}',
    "Infinity": b'{"identity": -Infinity}',
    "an endless integer": b'{"identity": ' + b"9" * 10_000 + b"}",
    "invalid UTF-8": b'{"identity": "\xff\xfe"}',
    "UTF-16": '{"identity": {}}'.encode("utf-16"),
    "a byte order mark": b"\xef\xbb\xbf{}",
    "two documents": b"{} {}",
    "a raw control character": b'{"identity": "\x00"}',
}


def settings_of(**changed: str | None) -> Settings:
    """The required settings and nothing else, but for what is `changed`."""
    return Settings.from_mapping({**REQUIRED, **changed})


def pending(**changed: Any) -> Record:
    """A recorded open workflow."""
    values: dict[str, Any] = {
        "status": Status.PENDING,
        "account_id": ACCOUNT,
        "workflow_execution_id": WORKFLOW,
        "verification_url": LINK,
        "vendor_url": LINK,
        "initiated_at": "2026-03-02T18:00:00.000Z",
        "workflow_key": 10011,
    }
    return Record(**{**values, **changed})


def approved(**changed: Any) -> Record:
    """A recorded verdict."""
    values: dict[str, Any] = {
        "status": Status.APPROVED,
        "verdict": Verdict.PASSED,
        "verification_url": None,
        "vendor_url": None,
        "decided_at": "2026-03-02T18:30:00.000Z",
        "decision": Decision(type="PASSED", label="PASSED", risk_score=0.0),
    }
    return pending(**{**values, **changed})


def assured(level: int = 3, **changed: Any) -> Assurance:
    """A level by the shipped table, as of the recorded verdict."""
    values: dict[str, Any] = {
        "level": level,
        "name": TABLE.name_of(level),
        "verified_at": "2026-03-02T18:30:00.000Z",
        "expires_at": None,
        "table": TABLE.version,
    }
    return with_steps(TABLE, Assurance(**{**values, **changed}))


def verified(level: int = 3, **changed: Any) -> Record:
    """A recorded verdict with a level and the checks that gave it."""
    return approved(**{"assurance": assured(level), "checks": PASSED_CHECKS, **changed})


def aged(record: Record, days: float, level: int) -> Record:
    """The record with a verdict that is as old as that."""
    at = days_ago(days)
    return replace(record, initiated_at=at, decided_at=at, assurance=assured(level, verified_at=at))


def asked(record: Record | None = None, **changed: Any) -> Record:
    """Somebody verified, with an open further workflow."""
    return replace(record or verified(), reverification=replace(FURTHER, **changed))


def reading(**changed: Any) -> Reading:
    """What Jumio says of the recorded workflow: passed."""
    values: dict[str, Any] = {
        "account_id": ACCOUNT,
        "workflow_execution_id": WORKFLOW,
        "workflow_status": "PROCESSED",
        "decision": Decision(type="PASSED", label="PASSED", risk_score=0.0),
        "created_at": datetime(2026, 3, 2, 18, tzinfo=UTC),
        "completed_at": datetime(2026, 3, 2, 18, 30, tzinfo=UTC),
        "workflow_key": 10011,
        "references": (IDENTITY, IDENTITY),
    }
    told = {**values, **changed}
    decision, checks = told["decision"], told.get("checks", ())
    status, verdict = words.status_of(told.pop("workflow_status"), decision.type if decision else None)
    grades = [words.grade_of(word) for word in (decision.type if decision else None, *(c.decision for c in checks))]
    return Reading(
        **{
            "status": status,
            "verdict": verdict,
            "worst": max(grades),
            "is_face_check": words.is_face_check(checks),
            "is_repeated_face": words.is_repeated_face(checks),
            **told,
        }
    )


class World:
    """The service between its two peers, in this process."""

    def __init__(self, *, jumio: JumioStandIn, kratos: KratosStandIn, settings: Settings) -> None:
        self.jumio = jumio
        self.kratos = kratos
        self.settings = settings
        self.services = wiring.for_requests(settings)
        self.app = create_app(self.services)

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    def person(self, name: str = "person", *, traits: dict[str, Any] | None = None, **metadata: Any) -> str:
        """A new identity's id; `traits` beside the address."""
        traits = {"email": f"{name}@example.com", **(traits or {})}
        return str(self.kratos.identities.create(traits, **metadata)["id"])

    def person_with(self, record: Record, name: str = "person") -> str:
        """A new identity, with this record in both copies."""
        return self.person(
            name,
            metadata_public={"jumio": public_member(record)},
            metadata_admin={"jumio": json.loads(json.dumps(admin_member(record)))},
        )

    def record(self, identity_id: str) -> tuple[Any, Any]:
        """Both copies as they stand in Kratos."""
        identity = self.kratos.identity(identity_id)
        return tuple((identity[name] or {}).get("jumio") for name in ("metadata_public", "metadata_admin"))

    def forget_calls(self) -> None:
        self.jumio.server.clear()
        self.kratos.server.clear()

    def calls(self) -> list[str]:
        """Every call either peer got since, as `kratos GET` and the like, in no particular order across the peers."""
        return [
            f"{name} {request.method} {'token' if request.path.startswith('/oauth2') else ''}".strip()
            for name, server in (("jumio", self.jumio.server), ("kratos", self.kratos.server))
            for request in server.requests
        ]

    def hook(self, identity_id: str, **more: Any) -> TestResponse:
        """A flow of the person at the gate, with the public metadata as they stand in Kratos."""
        identity = {"id": identity_id, "metadata_public": self.kratos.identity(identity_id)["metadata_public"]}
        if (contact := more.pop("contact_verified", None)) is not None:
            identity["contact_verified"] = contact
        return self.client.post("/jumio/validate", json={"identity": identity, "flow": {}, **more}, headers=AUTH)

    def initiate(self, identity_id: str) -> TestResponse:
        return self.client.post("/jumio/initiate", json={"identity": {"id": identity_id}}, headers=AUTH)

    def reverify(self, identity_id: str, **more: Any) -> TestResponse:
        return self.client.post("/jumio/reverify", json={"identity": {"id": identity_id}, **more}, headers=AUTH)

    def validate(self, identity_id: str, metadata_public: object, **more: Any) -> TestResponse:
        """A flow of the person at the gate, with these public metadata."""
        body = {"identity": {"id": identity_id, "metadata_public": metadata_public}, "flow": {"id": "x"}, **more}
        return self.client.post("/jumio/validate", json=body, headers=AUTH)

    def call_back(self, workflow: Workflow) -> TestResponse:
        """Jumio's callback, on the URL that only Jumio was told."""
        return self.client.post(callback_path(workflow.reference), json=callback_body(workflow))

    def says(self, workflow: Workflow, outcome: str, **changed: Any) -> None:
        """Settle a workflow, and let Jumio tell this of it where something is `changed`."""
        self.jumio.decide(workflow.id, outcome, callback=False)
        if changed:
            body = json.dumps({**jumio_records.details(workflow, self.jumio.api_base_url), **changed}).encode()
            others = self.jumio.server.faults
            self.jumio.server.faults = lambda request: (
                faults.answer(200, body)
                if request.method == "GET" and workflow.id in request.path
                else others and others(request)
            )

    def verified_person(self, name: str = "person", **metadata: Any) -> str:
        """Somebody who went through a first verification, up to level 3."""
        identity_id = self.person(name, **metadata)
        assert self.initiate(identity_id).status_code == 200
        [workflow] = self.jumio.truth(identity_id)
        self.says(workflow, "passed")
        assert self.call_back(workflow).json == {"result": "applied"}
        self.forget_calls()
        return identity_id

    def change(self, identity_id: str, change: Callable[[Record], Record]) -> None:
        """Bend the record as it stands in Kratos."""
        identity = self.kratos.identity(identity_id)
        before = read_record(identity["metadata_public"], identity["metadata_admin"])
        record = change(before)
        if record.more == before.more:  # else the list would still say what was
            record = replace(record, more=None)
        for name, member in (("metadata_public", public_member(record)), ("metadata_admin", admin_member(record))):
            patch = [{"op": "add", "path": f"/{name}/jumio", "value": json.loads(json.dumps(member))}]
            self.kratos.identities.patch(identity_id, patch)

    def starts(self) -> list[str]:
        """Every start that Jumio was asked for, as `PUT 10014`."""
        return [
            f"{request.method} {json.loads(request.body)['workflowDefinition']['key']}"
            for request in self.jumio.server.requests
            if request.method in ("POST", "PUT") and "/accounts" in request.path
        ]


def told(further: dict[str, Any]) -> dict[str, Any]:
    """A re-verification as answers tell it: `due` is for readers of the record that know no calendar."""
    return {name: value for name, value in further.items() if name != "due"}


def wait_until(condition: Callable[[], bool], *, seconds: float = 15) -> None:
    """Until it holds; it is a failure when it does not within so long."""
    give_up_at = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < give_up_at
        time.sleep(0.005)


def random_for(name: str) -> random.Random:
    """Randomness of this run for one test."""
    return random.Random(f"{SEED} {name}")


def capability(identity_id: str, secret: str = CALLBACK_SECRET) -> str:
    """The token in an identity's callback URL, made as the contract says and not as the service does."""
    digest = hmac.new(secret.encode(), identity_id.encode(errors="replace"), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def callback_path(identity_id: str) -> str:
    return f"/jumio/callback/{identity_id}/{capability(identity_id)}"


def callback_body(workflow: Workflow, status: str = "PROCESSED") -> dict[str, Any]:
    """As Jumio documents it, with links that nobody should follow."""
    nowhere = "http://127.0.0.1:1/evil"
    return {
        "workflowExecution": {"id": workflow.id, "href": nowhere, "status": status},
        "account": {"id": workflow.account_id, "href": nowhere},
    }


def signed(body: bytes, secret: str = CALLBACK_SECRET) -> dict[str, str]:
    """The header of a signed callback."""
    return {"X-Jumio-Signature": hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}


def days_ago(days: float) -> str:
    return to_text(datetime.now(UTC) - timedelta(days=days))


def message_of(answer: TestResponse) -> dict[str, Any]:
    """The one message of a refusal at the gate."""
    assert answer.status_code == 403, answer.get_data(as_text=True)
    assert answer.json is not None
    [entry] = answer.json["messages"]
    [message] = entry["messages"]
    assert entry["instance_ptr"] == "#/"
    return dict(message)


def capabilities(**decisions: str) -> dict[str, Any]:
    """Jumio's `capabilities`: each ran once and went like this."""
    return {
        name: [{"id": name, "decision": {"type": decision, "details": {"label": "OK"}}}]
        for name, decision in decisions.items()
    }


FACE_PASSED = capabilities(usability="PASSED", liveness="PASSED", authentication="PASSED")
FACE_DOUBTED = capabilities(usability="PASSED", liveness="PASSED", authentication="WARNING")
