# SPDX-License-Identifier: Apache-2.0
"""What the Jumio stand-in remembers, and Jumio's documented payloads made from it. No HTTP here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from uuid import NAMESPACE_URL, uuid5

# documentation.jumio.ai/docs/developer-resources/retrieval: type, default label (the type itself), risk score.
DECISIONS: dict[str, tuple[str, str, float]] = {
    "passed": ("PASSED", "PASSED", 0.0),
    "warning": ("WARNING", "WARNING", 50.0),
    "rejected": ("REJECTED", "REJECTED", 100.0),
    "not_executed": ("NOT_EXECUTED", "NOT_EXECUTED", -1.0),
}
OUTCOMES = (*DECISIONS, "expire")
TOKEN_SECONDS = 3600

# The capability that explains each outcome, with a documented label; those after it were not executed.
_CAPABILITIES = ("usability", "imageChecks", "extraction", "dataChecks", "similarity", "liveness")
_CAUSE = {
    "warning": ("imageChecks", "WARNING", "REPEATED_FACE"),
    "rejected": ("dataChecks", "REJECTED", "MISMATCHING_DATAPOINTS"),
    "not_executed": ("usability", "NOT_EXECUTED", "NOT_UPLOADED"),
}


def stamp(moment: float) -> str:
    """Jumio's `YYYY-MM-DDThh:mm:ss.SSSZ` of seconds since the epoch."""
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Workflow:
    """One workflow execution; times are seconds since the epoch. Tests may bend any field."""

    account_id: str
    id: str
    reference: str
    user_reference: str | None
    definition_key: str
    callback_url: str | None
    success_url: str | None
    error_url: str | None
    token: str
    web_href: str
    created_at: float
    started_at: float | None = None
    completed_at: float | None = None
    status: str = "INITIATED"
    outcome: str | None = None
    decision: dict[str, Any] | None = None
    # Whose document is shown, and when not to: members of Jumio's extraction.
    shows: dict[str, Any] = field(default_factory=dict)

    @property
    def settled(self) -> bool:
        return self.status in ("PROCESSED", "SESSION_EXPIRED", "TOKEN_EXPIRED")

    def settle(self, outcome: str, now: float) -> None:
        """A person finished with this `outcome`, or never did ("expire")."""
        if outcome not in OUTCOMES:
            raise ValueError(f"outcome {outcome!r} is none of {', '.join(OUTCOMES)}")
        self.outcome, self.completed_at = outcome, now
        if outcome != "expire":
            self.started_at = self.started_at or now
            self.status, verdict = "PROCESSED", DECISIONS[outcome]
        elif self.started_at is None:
            self.status, verdict = "TOKEN_EXPIRED", ("NOT_EXECUTED", "TOKEN_EXPIRED", -1.0)
        else:
            # A captured record of an abandoned session carried this, and not the documented NOT_EXECUTED.
            self.status, verdict = "SESSION_EXPIRED", ("REJECTED", "REJECTED", 100.0)
        self.decision = decision(*verdict)


@dataclass
class Account:
    id: str
    workflows: list[Workflow] = field(default_factory=list)


def names_of(document: str) -> dict[str, Any]:
    """The extraction's members of a document told as `Ada Lovelace 1990-05-17`."""
    *names, last = document.split()
    born = {"dateOfBirth": last} if last[:1].isdigit() else {}
    names = names if born else [*names, last]
    return {"firstName": " ".join(names[:-1]).upper(), "lastName": names[-1].upper(), **born}


def decision(kind: str, label: str, score: float) -> dict[str, Any]:
    return {"type": kind, "details": {"label": label}, "risk": {"score": score}}


def created(workflow: Workflow, base_url: str, now: float) -> dict[str, Any]:
    """The reply to POST and PUT of an account."""
    execution = f"{base_url}/accounts/{workflow.account_id}/workflow-executions/{workflow.id}"
    credential = _credential_id(workflow, "ID")
    parts = f"{execution}/credentials/{credential}/parts"
    web = {"href": workflow.web_href, "successUrl": workflow.success_url, "errorUrl": workflow.error_url}
    return {
        "timestamp": stamp(now),
        "account": {"id": workflow.account_id},
        "web": {name: value for name, value in web.items() if value is not None},
        "sdk": {"token": workflow.token},
        "workflowExecution": {
            "id": workflow.id,
            "credentials": [
                {
                    "id": credential,
                    "category": "ID",
                    "allowedChannels": ["WEB", "API", "SDK"],
                    "api": {
                        "token": workflow.token,
                        "parts": {"front": f"{parts}/FRONT", "back": f"{parts}/BACK"},
                        "workflowExecution": execution,
                    },
                },
                {
                    "id": _credential_id(workflow, "SELFIE"),
                    "category": "SELFIE",
                    "allowedChannels": ["WEB", "API", "SDK"],
                },
                {
                    "id": _credential_id(workflow, "FACEMAP"),
                    "category": "FACEMAP",
                    "allowedChannels": ["WEB", "SDK"],
                },
            ],
        },
    }


def callback(workflow: Workflow, base_url: str, now: float) -> dict[str, Any]:
    """The callback's body: status and ids, no decision, no customerInternalReference."""
    account = f"{base_url}/accounts/{workflow.account_id}"
    document = {
        "callbackSentAt": stamp(now),
        "account": {"id": workflow.account_id, "href": account},
        "workflowExecution": {
            "id": workflow.id,
            "href": f"{account}/workflow-executions/{workflow.id}",
            "definitionKey": workflow.definition_key,
            "status": workflow.status,
        },
    }
    return document | ({"userReference": workflow.user_reference} if workflow.user_reference else {})


def details(workflow: Workflow, base_url: str) -> dict[str, Any]:
    """The reply of the Retrieval API: here the key is `workflow`, elsewhere `workflowExecution`."""
    account = f"{base_url}/accounts/{workflow.account_id}"
    execution = {
        "id": workflow.id,
        "status": workflow.status,
        "definitionKey": workflow.definition_key,
        "userReference": workflow.user_reference,
        "customerInternalReference": workflow.reference,
    }
    times = {"startedAt": workflow.started_at, "completedAt": workflow.completed_at}
    return {
        "workflow": {name: value for name, value in execution.items() if value is not None},
        "account": {"id": workflow.account_id},
        "createdAt": stamp(workflow.created_at),
        **{name: stamp(moment) for name, moment in times.items() if moment is not None},
        "credentials": [
            {
                "id": _credential_id(workflow, category),
                "category": category,
                "parts": [
                    {
                        "classifier": part,
                        "href": f"{account}/credentials/{_credential_id(workflow, category)}/parts/{part}",
                    }
                    for part in parts
                ],
            }
            for category, parts in (("ID", ("FRONT", "BACK")), ("FACEMAP", ("FACEMAP",)), ("SELFIE", ("FACE",)))
        ],
        "decision": workflow.decision or decision("NOT_EXECUTED", "NOT_EXECUTED", -1.0),
        "steps": {"href": f"{account}/workflow-executions/{workflow.id}/steps"},
        "capabilities": _capabilities(workflow) if workflow.settled else {},
    }


def _capabilities(workflow: Workflow) -> dict[str, list[dict[str, Any]]]:
    cause = _CAUSE.get(workflow.outcome or "", None if workflow.outcome == "passed" else _CAUSE["not_executed"])
    found: dict[str, list[dict[str, Any]]] = {}
    reached = True
    for name in _CAPABILITIES:
        kind, label = "PASSED", "MATCH" if name == "similarity" else "OK"
        if not reached:
            kind, label = "NOT_EXECUTED", "PRECONDITION_NOT_FULFILLED"
        elif cause and cause[0] == name:
            kind, label = cause[1:]
            reached = kind == "WARNING"
        entry: dict[str, Any] = {
            "id": _credential_id(workflow, name),
            "credentials": [{"id": _credential_id(workflow, "ID"), "category": "ID"}],
            "decision": {"type": kind, "details": {"label": label}},
        }
        if name == "extraction":
            # The personal data a service must not keep: here so that a test can look for it where it must not be.
            person = {"type": "ID_CARD", "issuingCountry": "CHL", "firstName": "JANE", "lastName": "DOE"}
            document = {"dateOfBirth": "1990-01-01", "documentNumber": "1111111", "expiryDate": "2030-01-01"}
            entry["data"] = {**person, **document, **workflow.shows} if kind == "PASSED" else {}
        elif name == "similarity" and kind == "PASSED":
            entry["data"] = {"similarity": "MATCH"}
        found[name] = [entry]
    return found


def _credential_id(workflow: Workflow, what: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"{workflow.id}/{what}"))
