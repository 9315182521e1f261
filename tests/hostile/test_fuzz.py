# SPDX-License-Identifier: Apache-2.0
"""Thousands of generated requests, others in every run, against the application between its stand-ins.

One part is generated from `openapi.yaml` by schemathesis, which also checks every answer against the file. The other
is below HTTP libraries, as WSGI environments by hand: what no client would send.
"""

import copy
import hashlib
import hmac
import io
import json
import logging
import random
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from itsdangerous import TimestampSigner
from schemathesis import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from support import (
    ACCOUNT,
    API_KEY,
    CALLBACK_SECRET,
    CLIENT_SECRET,
    HOSTILE_BODIES,
    IDENTITY,
    LINK,
    OLD_CALLBACK_SECRET,
    OLD_ORY_SECRET,
    ORY_SECRET,
    WORKFLOW,
    approved,
    capability,
    pending,
    signed,
)
from werkzeug.test import run_wsgi_app

from webhook.core.record import Record
from webhook.core.status import Status, Verdict
from webhook.ory.kratos.metadata import public_member
from webhook.runtime import log

RAW_REQUESTS = 5_000
CASES_PER_OPERATION = 20  # and mode, other ones in every run; schemathesis takes fifteen times as long as the rest

SECRETS = (ORY_SECRET, OLD_ORY_SECRET, CALLBACK_SECRET, OLD_CALLBACK_SECRET, CLIENT_SECRET, API_KEY)
TRACES = re.compile(r"Traceback|\.py\b|site-packages|werkzeug|object at 0x|Exception\b")
UNKNOWN_WORKFLOW = "Jumio does not know the account or workflow (404)"


def link_token(identity_id: str, secret: str = CALLBACK_SECRET) -> str:
    signer = TimestampSigner(secret, salt="ory-jumio-webhook.verification-link", digest_method=hashlib.sha256)
    return signer.sign(identity_id).decode()


@dataclass
class Surroundings:
    """The application between its stand-ins, with some people, and what must never be told."""

    app: Any
    jumio: Any
    people: list[str]
    workflows: list[tuple[str, str]]  # (account, workflow), known to Jumio
    output: pytest.CaptureFixture[str]

    @property
    def private(self) -> list[str]:
        tokens = [
            capability(person, secret) for person in self.people for secret in (CALLBACK_SECRET, OLD_CALLBACK_SECRET)
        ]
        links = [workflow.token for workflow in self.jumio.workflows]
        return [*SECRETS, *tokens, *links, self.jumio.issue_token()]


@pytest.fixture
def output(capfd: pytest.CaptureFixture[str]) -> Iterator[pytest.CaptureFixture[str]]:
    """What the service really writes, at the debug level."""
    root, ours = logging.getLogger(), logging.getLogger("webhook")
    levels = root.level, ours.level
    log.configure(log_format="json", level="debug")
    [handler] = root.handlers
    yield capfd
    log.WRITER.flush(10)
    root.removeHandler(handler)
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


@pytest.fixture
def around(make_world: Callable[..., Any], output: pytest.CaptureFixture[str]) -> Surroundings:
    world = make_world(
        ORY_API_KEY=API_KEY, PUBLIC_URL="http://127.0.0.1:1", BLOCK_LOGIN_STATUSES="rejected,pending,review"
    )
    people = [
        world.person("fresh"),
        world.person_with(approved(), "approved"),
        world.person_with(approved(status=Status.REJECTED, verdict=Verdict.FAILED), "rejected"),
        world.person_with(pending(), "forgotten"),
    ]
    for name in ("open", "settled"):
        people.append(world.person(name))
        answer = world.initiate(people[-1])
        assert answer.json is not None
        assert answer.json["status"] == "pending"
    world.jumio.decide(answer.json["workflow_execution_id"], "passed", callback=False)
    workflows = [(workflow.account_id, workflow.id) for workflow in world.jumio.workflows]
    assert len(workflows) == 2
    log.WRITER.flush(10)  # pytest takes the terminal back for a moment before the test itself
    return Surroundings(world.app, world.jumio, people, workflows, output)


@dataclass
class Answer:
    """A request as it was sent, and what came back."""

    environ: dict[str, Any]
    status: int
    headers: dict[str, str]
    text: str


def check(answer: Answer, private: re.Pattern[str]) -> None:
    """What holds for every answer to anybody."""
    path = f"/{answer.environ['PATH_INFO'].lstrip('/')}"  # as werkzeug sees it
    method, status, text = answer.environ["REQUEST_METHOD"], answer.status, answer.text
    assert 200 <= status <= 303 or 400 <= status <= 503, (status, text)
    assert not TRACES.search(text)
    is_page = answer.headers["Content-Type"].startswith("text/html") and method != "OPTIONS"
    assert not is_page or path.startswith("/jumio/verify/")
    link_is_wanted = (
        (path in ("/jumio/initiate", "/jumio/reverify") and status == 200)
        or (path == "/jumio/validate" and status == 403)
        or (is_page and status in (200, 303))
    )
    shown = re.sub(r"authorizationToken[^\"\s]*", "", text) if link_is_wanted else text
    assert "authorizationToken" not in shown
    assert not private.search(shown), shown
    assert is_page or 200 <= status < 300 or status >= 400
    assert (status == 303) is ("Location" in answer.headers)
    if is_page:
        assert status in (200, 303, 404, 410, 503)
        assert answer.headers["Cache-Control"] == "no-store"
        return
    assert not private.search(str(answer.headers))
    if status >= 500:
        assert status == 503
        assert path.startswith("/jumio/callback"), (path, text)
        assert answer.headers["Retry-After"].isdigit()
        assert json.loads(text)["error"]["reason"] == UNKNOWN_WORKFLOW
    if path == "/jumio/validate":
        assert status != 429
        assert status < 500
    if status >= 400 and method != "HEAD":
        body = json.loads(text)
        if path == "/jumio/validate":
            assert all(message["text"] for entry in body["messages"] for message in entry["messages"])
            assert body["messages"][0]["messages"]
        if status != 403:
            assert body["error"].keys() == {"code", "status", "reason", "message"}
            assert body["error"]["code"] == status


def check_the_log(around: Surroundings, private: re.Pattern[str], at_least: int) -> None:
    log.WRITER.flush(10)  # a thread of its own writes, and reading moves the file's end under it
    lines = around.output.readouterr().err.splitlines()
    assert len(lines) >= at_least
    for line in lines:
        parsed = json.loads(line)
        assert parsed.keys() >= {"time", "level", "event"}
        assert parsed["event"] != "request.crashed", line
        assert not private.search(line), line
        assert not re.search(r"authorizationToken|Traceback|eyJ|@example", line), line


def any_of(texts: list[str]) -> re.Pattern[str]:
    return re.compile("|".join(map(re.escape, sorted(texts))))


# --- by hand ---

ODD_VALUES: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        10**30,
        1e308,
        "",
        " ",
        "\x00",
        "\ud800",
        "é",
        "..",
        "../..",
        "%2e%2e",
        "a/b",
        "x" * 5000,
    ),
    *([], {}, [[[]]], {"jumio": None}, {"jumio": []}, {"jumio": {"status": []}}, {"jumio": {"status": "pending"}}),
    *("http://127.0.0.1:1/", "//elsewhere.invalid/", "${jndi:ldap://x}", "'; --", "{{7*7}}", "\r\nX-Injected: 1"),
    *(IDENTITY, IDENTITY.upper(), "00000000-0000-0000-0000-000000000000", WORKFLOW, "PROCESSED", LINK),
]
ODD_TEXTS = [value for value in ODD_VALUES if isinstance(value, str)]
METHODS = [
    "GET",
    "PUT",
    "PATCH",
    "DELETE",
    "HEAD",
    "OPTIONS",
    "TRACE",
    "CONNECT",
    "PROPFIND",
    "post",
    "P" * 300,
    "PO ST",
    "é",
]
PATHS = [
    *("/", "", "*", "/jumio", "/jumio/", "/jumio/initiate/", "//jumio/validate", "/jumio//validate", "/JUMIO/VALIDATE"),
    *(
        "/jumio/./validate",
        "/jumio/../jumio/validate",
        "/jumio/validate;x=1",
        "/jumio/validate\x00",
        "/jumio/validate\r\nX: 1",
    ),
    *(
        "/jumio/callback/",
        "/jumio/callback//",
        "/jumio/callback/a",
        "/jumio/callback/a/b/c",
        "/jumio/callback/../metrics",
    ),
    *("/metrics", "/metrics/", "/metrics/prometheus/", "/health/", "/health/x", "/version/", "/favicon.ico", "/admin"),
    *(
        "/static/x",
        "/.env",
        "/jumio/valid\u0131ate",
        "/%2e%2e/",
        "http://127.0.0.1:1/jumio/validate",
        "/" + "a/" * 4000,
    ),
]
REAL_PATHS = [
    *("/jumio/initiate", "/jumio/validate", "/jumio/callback", "/metrics/prometheus", "/health", "/health/alive"),
    *("/health/ready", "/version", "/jumio/reverify", "/jumio/reverify"),
]
HEADERS = [
    "Ory-Webhook-Trigger-ID",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Proto",
    "X-Original-URL",
    "X-HTTP-Method-Override",
    "Forwarded",
    "Cookie",
    "Range",
    "If-Modified-Since",
    "If-Match",
    "Accept",
    "Accept-Encoding",
    "Accept-Language",
    "Expect",
    "Host",
    "Origin",
    "Referer",
    "Transfer-Encoding",
    "Content-Encoding",
    "User-Agent",
    "Proxy",
]
CONTENT_TYPES = [
    *("", "application/json", "application/json; charset=utf-16", "text/plain", "multipart/form-data; boundary=x"),
    *("multipart/form-data", "application/x-www-form-urlencoded", "é", "a" * 3000, "application/json\r\nX: 1", ";;;="),
]
LENGTHS = ["", "-1", "+5", "0", "1", "1e3", "9" * 40, "٣", "0x10", "5, 5", str((1 << 20) + 1)]


class Generator:
    """Requests in every degree of wrongness, by a seed."""

    def __init__(self, around: Surroundings, rng: random.Random) -> None:
        self.around, self.random = around, rng

    def environ(self) -> dict[str, Any]:
        chance = self.random.random
        path = self.path()
        body = self.body(path)
        get = path.startswith(("/health", "/version", "/metrics")) or (
            path.startswith("/jumio/verify") and chance() < 0.5
        )
        method = self.random.choice(METHODS) if chance() < 0.08 else "GET" if get else "POST"
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": path.encode("utf-8", "surrogatepass").decode("latin-1"),
            "QUERY_STRING": self.query(),
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "3000",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "CONTENT_LENGTH": self.random.choice(LENGTHS) if chance() < 0.04 else str(len(body)),
            "CONTENT_TYPE": self.random.choice(CONTENT_TYPES) if chance() < 0.3 else "application/json",
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": io.BytesIO(body),
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        if chance() < 0.1:
            environ["wsgi.input_terminated"] = True
            del environ["CONTENT_LENGTH"]
            environ["HTTP_TRANSFER_ENCODING"] = "chunked"
        for name in self.random.sample(HEADERS, self.random.choice((0, 0, 0, 1, 3))):
            environ[f"HTTP_{name.upper().replace('-', '_')}"] = self.header_value()
        environ.update(self.credentials(body))
        return environ

    def path(self) -> str:
        dice = self.random.random()
        if dice < 0.65:
            return self.random.choice(REAL_PATHS[:3] if dice < 0.55 else REAL_PATHS)
        if dice < 0.9:
            person = self.random.choice([*self.around.people, *ODD_TEXTS]) if dice < 0.85 else IDENTITY
            token = capability(person)
            if self.random.random() < 0.3:
                token = self.random.choice(
                    [capability(person, "x"), token[:-1], f"{token}=", token.lower(), *ODD_TEXTS]
                )
            return f"/jumio/callback/{person}/{token}"
        if dice < 0.93:
            token = link_token(self.random.choice([*self.around.people, IDENTITY]))
            bent = [link_token(IDENTITY, "x"), token[:-1], f"{token}=", token.upper(), capability(IDENTITY), *ODD_TEXTS]
            return f"/jumio/verify/{token if self.random.random() < 0.7 else self.random.choice(bent)}"
        return self.random.choice(PATHS)

    def body(self, path: str) -> bytes:
        dice = self.random.random()
        if dice < 0.02:
            return self.random.choice(list(HOSTILE_BODIES.values()))
        if dice < 0.05:
            return self.random.randbytes(self.random.randrange(200))
        document = self.document(path)
        if dice < 0.6:
            for _ in range(self.random.choice((1, 1, 2, 5))):
                self.bend(document)
        body = json.dumps(document).encode()
        if dice < 0.12:
            cut = self.random.randrange(len(body))
            return body[:cut] + self.random.choice((b"", b"\x00", b"\xff", b"{", body)) + body[cut + 1 :]
        return body

    def document(self, path: str) -> dict[str, Any]:
        if path.startswith("/jumio/callback"):
            account, workflow = self.random.choice([*self.around.workflows, (ACCOUNT, WORKFLOW)])
            return {
                "callbackSentAt": "2026-03-02T18:48:37.319Z",
                "userReference": "x",
                "workflowExecution": {
                    "id": workflow,
                    "href": "http://127.0.0.1:1/",
                    "status": self.random.choice(["PROCESSED", "SESSION_EXPIRED", "TOKEN_EXPIRED", "ACQUIRED"]),
                },
                "account": {"id": account, "href": "http://127.0.0.1:1/"},
            }
        if path == "/jumio/reverify":
            person = self.random.choice([*self.around.people, IDENTITY])
            return {"identity": {"id": person}, "reason": self.random.choice(["risk", "manual"]), "due_in": "7d"}
        record = self.random.choice([pending(), approved(), Record(), approved(status=Status.REJECTED)])
        return {
            "identity": {
                "id": self.random.choice([*self.around.people, IDENTITY]),
                "metadata_public": {"jumio": public_member(record)},
            },
            "flow": {"id": IDENTITY, "requested_aal": "aal1"},
        }

    def bend(self, document: dict[str, Any]) -> None:
        place: Any = document
        while True:
            key = self.random.choice(list(place)) if place else "x"
            if isinstance(place.get(key), dict) and self.random.random() < 0.75:
                place = place[key]
                continue
            if self.random.random() < 0.2:
                place.pop(key, None)
            else:
                place[key] = copy.deepcopy(self.random.choice(ODD_VALUES))
            return

    def query(self) -> str:
        if self.random.random() < 0.8:
            return ""
        return "&".join(f"{self.random.choice(['token', 'a[]', '', '%'])}={text}" for text in self.latin(2)) + "&" * 50

    def header_value(self) -> str:
        return self.random.choice(
            [*self.latin(3), "x" * 70_000, "é" * 50, "1\r\nX-Injected: yes", "\x00", "a, b", "bytes=0-"]
        )

    def latin(self, count: int) -> list[str]:
        return [text.encode("utf-8", "replace").decode("latin-1") for text in self.random.sample(ODD_TEXTS, count)]

    def credentials(self, body: bytes) -> dict[str, str]:
        secret = self.random.choice((ORY_SECRET, OLD_ORY_SECRET))
        key = self.random.choice((CALLBACK_SECRET, OLD_CALLBACK_SECRET)).encode()
        signature = hmac.new(key, body, hashlib.sha256).hexdigest()
        dice = self.random.random()
        if dice < 0.45:
            return {"HTTP_AUTHORIZATION": f"Bearer {secret}", "HTTP_X_JUMIO_SIGNATURE": signature}
        if dice < 0.65:
            return {"HTTP_X_WEBHOOK_SECRET": secret, "HTTP_X_JUMIO_SIGNATURE": f"SHA256={signature.upper()}"}
        if dice < 0.75:
            return {}
        wrong = self.random.choice(
            [
                *(
                    f"{secret} ",
                    f"{secret},{secret}",
                    secret[:-1],
                    f"{secret}x",
                    secret.upper(),
                    "",
                    " ",
                    "\x00",
                    "é" * 100,
                ),
                *("x" * 66_000, f"{secret}\r\nX: 1", "null", CALLBACK_SECRET, CLIENT_SECRET),
            ]
        )
        return {
            "HTTP_AUTHORIZATION": self.random.choice(["Bearer ", "bearer  ", "Basic ", "Bearer\t", ""]) + wrong,
            "HTTP_X_WEBHOOK_SECRET": wrong,
            "HTTP_X_JUMIO_SIGNATURE": self.random.choice(
                [wrong, signature[:-2], f"sha256={'0' * 64}", "==", "é", f"{signature}=="]
            ),
        }


def test_by_hand_nothing_breaks_and_nothing_leaks(around: Surroundings, rng: random.Random) -> None:
    generator = Generator(around, rng)
    private = any_of(around.private)
    seen: Counter[tuple[str, int]] = Counter()
    for number in range(RAW_REQUESTS):
        environ = generator.environ()
        sent = environ["wsgi.input"].getvalue()
        parts, status, headers = run_wsgi_app(around.app, environ, buffered=True)
        answer = Answer(environ, int(status.split()[0]), dict(headers), b"".join(parts).decode())
        try:
            check(answer, private)
        except Exception:
            print(
                f"request {number}: {environ!r:.2000}",
                f"body: {sent!r:.1000}",
                f"answer: {status} {answer.text!r:.1000}",
            )
            raise
        seen[(re.sub("(?<=/jumio/verify/).*", "", environ["PATH_INFO"], flags=re.DOTALL)[:16], answer.status)] += 1
        if number % 500 == 499:
            private = any_of(around.private)  # what was started meanwhile has links and tokens of its own
    assert seen.total() == RAW_REQUESTS
    # The generator does get to the point, on every route.
    for path, status in (
        *(("/jumio/initiate", code) for code in (200, 400, 401, 404, 405, 413)),
        *(("/jumio/validate", code) for code in (200, 400, 401, 403, 405, 413)),
        *(("/jumio/callback", code) for code in (200, 400, 401)),
        *(("/jumio/callback/", code) for code in (200, 400, 401, 503)),
        *(("/jumio/reverify", code) for code in (200, 400, 401, 404)),
        *(("/jumio/verify/", code) for code in (200, 303, 404)),
        *(("/metrics/prometh", code) for code in (200, 401)),
        ("/health/ready", 200),
    ):
        assert seen[(path, status)], (path, status, sorted(seen.items()))
    check_the_log(around, any_of(around.private), RAW_REQUESTS // 2)


# --- from the description ---


def operations(around: Surroundings) -> dict[tuple[str, str], Any]:
    description = yaml.safe_load((Path(__file__).parents[2] / "openapi.yaml").read_text())
    schema = schemathesis.openapi.from_dict(description)
    schema.app = around.app
    found = [each.ok() for each in schema.get_all_operations()]
    return {
        (operation.method, operation.path): operation
        for operation in found
        if operation.path.startswith(("/jumio", "/metrics"))
    }


def whole(document: Any) -> Any:
    """With `2` where JSON Schema takes `2.0` for a whole number, too; the service does not."""
    policy = document.get("policy") if isinstance(document, dict) else None
    level = policy.get("min_level") if isinstance(policy, dict) else None
    if not isinstance(level, float) or not level.is_integer():
        return document
    return {**document, "policy": {**policy, "min_level": int(level)}}


def send(around: Surroundings, case: Any, person: str, credentials: str) -> tuple[Answer, Any]:
    """As schemathesis would, but with a good secret, a wrong one or whatever was generated."""
    request = case.as_transport_kwargs()
    body = json.dumps(whole(request.pop("json"))).encode() if "json" in request else request.pop("data", b"")
    headers = dict(request.pop("headers"))
    if credentials == "good":
        headers["Authorization"] = f"Bearer {ORY_SECRET}"
        headers |= signed(body)
        if case.operation.path == "/jumio/verify/{token}":
            request["path"] = f"/jumio/verify/{link_token(person)}"
        elif case.operation.path_parameters:
            request["path"] = f"/jumio/callback/{person}/{capability(person)}"
    elif credentials == "wrong":
        if case.operation.path == "/jumio/verify/{token}":
            request["path"] = f"/jumio/verify/{link_token(person, CLIENT_SECRET)}"
        headers |= {"Authorization": f"Bearer {CLIENT_SECRET}", "X-Jumio-Signature": "0" * 64}
    response = around.app.test_client().open(**request, data=body, headers=headers)
    environ = {"PATH_INFO": request["path"], "REQUEST_METHOD": request["method"]}
    return Answer(environ, response.status_code, dict(response.headers), response.get_data(as_text=True)), response


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_from_the_description_every_answer_is_described(around: Surroundings, mode: GenerationMode) -> None:
    described = [
        content_type_conformance,
        status_code_conformance,
        response_schema_conformance,
        response_headers_conformance,
    ]
    private = any_of(around.private)
    seen: Counter[tuple[str, int]] = Counter()
    for (_, path), operation in operations(around).items():

        @settings(
            max_examples=CASES_PER_OPERATION,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(
            case=operation.as_strategy(mode),
            person=st.sampled_from(around.people),
            credentials=st.sampled_from(["good", "good", "generated", "wrong"]),
            path=st.just(path),
        )
        def call(case: Any, person: str, credentials: str, path: str) -> None:
            answer, response = send(around, case, person, credentials)
            check(answer, private)
            case.validate_response(response, checks=described)
            if mode is GenerationMode.POSITIVE and credentials == "good":
                assert answer.status not in (400, 401, 413), (answer.text, case.body)
            if credentials == "wrong":
                assert answer.status == (404 if path == "/jumio/verify/{token}" else 401)
            seen[path, answer.status] += 1

        call()
    assert len({path for path, _ in seen}) == 7
    assert seen.total() >= 3 * CASES_PER_OPERATION, seen
    check_the_log(around, any_of(around.private), seen.total())
