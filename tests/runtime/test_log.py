# SPDX-License-Identifier: Apache-2.0
"""What is logged, in which form, and that no line holds a secret, a token, a link or anything of a person's."""

import json
import logging
import re
import runpy
from collections.abc import Callable, Iterator
from importlib import metadata
from pathlib import Path

import pytest
from conftest import FORBIDDEN_IN_THE_LOG, World
from support import AUTH, CALLBACK_SECRET, IDENTITY

import webhook
from sandbox import faults
from webhook.core.signing import capability_token, sign
from webhook.runtime import log


@pytest.fixture
def stderr_lines(capfd: pytest.CaptureFixture[str]) -> Iterator[Callable[[], list[str]]]:
    """What has been written to standard error; restores what `configure` changes for the whole process."""
    root, ours, theirs = logging.getLogger(), logging.getLogger("webhook"), logging.getLogger("urllib3.connectionpool")
    before = (root.handlers[:], root.level, ours.level, theirs.level)

    def lines() -> list[str]:
        log.WRITER.flush(5)
        return capfd.readouterr().err.splitlines()

    lines()  # of others, still on their way
    yield lines
    root.handlers[:] = before[0]
    root.setLevel(before[1])
    ours.setLevel(before[2])
    theirs.setLevel(before[3])


# --- form ---


def test_an_event_is_one_line_of_json_without_what_is_none(stderr_lines: Callable[[], list[str]]) -> None:
    log.configure(log_format="json", level="info")
    log.begin(trigger_id="t")
    log.bind(identity_id=IDENTITY)
    log.event("verification.started", status="pending", reason=None, error=ValueError("two\nlines"))
    log.event("quiet", level=logging.DEBUG)
    [line] = stderr_lines()
    parsed = json.loads(line)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", parsed.pop("time"))
    assert parsed == {
        "level": "info",
        "event": "verification.started",
        "trigger_id": "t",
        "identity_id": IDENTITY,
        "status": "pending",
        "error": "ValueError: two\nlines",
    }


def test_an_event_is_one_line_of_text(stderr_lines: Callable[[], list[str]]) -> None:
    log.configure(log_format="text", level="debug")
    log.begin()
    log.event("quiet", level=logging.DEBUG, note="two\nlines", count=3)
    [line] = stderr_lines()
    assert re.fullmatch(r'\S+Z debug quiet note="two\\nlines" count=3', line)


@pytest.mark.parametrize("log_format", ["json", "text"])
def test_a_trace_is_kept(stderr_lines: Callable[[], list[str]], log_format: str) -> None:
    log.configure(log_format=log_format, level="info")
    try:
        raise KeyError("x")
    except KeyError:
        logging.getLogger("gunicorn.error").exception("worker failed")
    text = "\n".join(stderr_lines())
    assert "worker failed" in text
    assert "KeyError" in text


def test_what_begins_anew_forgets_what_was_bound_before(log_lines: list[str]) -> None:
    log.begin(identity_id="before")
    log.event("one")
    log.begin()
    log.event("two")
    log.bind(status="x")
    log.event("three")
    assert ["before" in line for line in log_lines] == [True, False, False]
    assert '"status": "x"' in log_lines[2]


def test_libraries_are_heard_from_warnings_on(stderr_lines: Callable[[], list[str]]) -> None:
    log.configure(log_format="json", level="debug")
    logging.getLogger("urllib3.util").debug("GET /jumio/callback/x/token")
    logging.getLogger("urllib3.util").warning("something is odd")
    logging.getLogger("urllib3.connectionpool").warning("a connection of a burst is not kept")
    assert ["something is odd" in line for line in stderr_lines()] == [True]


def test_a_listener_is_told_each_event_once(monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, dict[str, object]]] = []

    def listener(name: str, fields: object) -> None:
        told.append((name, dict(fields)))

    monkeypatch.setattr(log, "_listeners", [])
    log.listen(listener)
    log.listen(listener)
    log.begin()
    log.event("one", a=1, b=None)
    assert told == [("one", {"a": 1})]


# --- content ---


def test_a_whole_story_is_logged_without_a_secret(world: World, log_lines: list[str]) -> None:
    people = {}
    for outcome in ("passed", "warning", "rejected", "not_executed", "expire"):
        person = world.person(f"jane.doe+{outcome}", metadata_public={"nick": "secret-nick"})
        people[outcome] = person
        world.client.post("/jumio/initiate", json={"identity": {"id": person}}, headers=AUTH)
        [workflow] = world.jumio.truth(person)
        world.kratos.identities.sign_in(person, "password")
        world.jumio.decide(workflow.id, outcome)
        token = capability_token(person, secret=CALLBACK_SECRET.encode())
        body = {"workflowExecution": {"id": workflow.id, "status": "PROCESSED"}, "account": {"id": workflow.account_id}}
        world.client.post(f"/jumio/callback/{person}/{token}", json=body)
        data = json.dumps(body).encode()
        signature = sign(data, secret=CALLBACK_SECRET.encode())
        world.client.post("/jumio/callback", data=data, headers={"X-Jumio-Signature": signature})
        public = world.kratos.identity(person)["metadata_public"]
        world.client.post("/jumio/validate", json={"identity": {"id": person, "metadata_public": public}}, headers=AUTH)
        # refused and failing ones
        world.client.post(f"/jumio/callback/{person}/{token}x", json=body)
        world.client.post(f"/jumio/callback/{person}/{token}/x", json=body)
        world.client.post("/jumio/validate", data=b"{", headers=AUTH)
        world.client.post("/jumio/initiate", headers={"X-Webhook-Secret": "a-wrong-secret"})
        world.jumio.server.faults = lambda _: faults.answer(403, b'{"title": "Forbidden", "detail": "JANE DOE"}')
        world.client.post(f"/jumio/callback/{person}/{token}", json=body)
        world.jumio.server.faults = None
    secrets = [
        world.jumio.issue_token(),
        "a-wrong-secret",
        "secret-nick",
        *(workflow.token for workflow in world.jumio.workflows),
        *(capability_token(person, secret=CALLBACK_SECRET.encode()) for person in people.values()),
        *(str(world.kratos.identity(person)["traits"]["email"]) for person in people.values()),
    ]
    text = "\n".join(log_lines)
    assert [secret for secret in secrets if secret in text] == []
    assert not FORBIDDEN_IN_THE_LOG.search(text)
    for event in ("verification.started", "verification.settled", "session.revoked", "gate.refused", "secret.refused"):
        assert event in text
    assert "/jumio/callback/<identity_id>/<token>" in text


def test_the_trigger_of_kratos_is_logged_and_nothing_else_that_is_sent_there(
    world: World, log_lines: list[str]
) -> None:
    for value in (IDENTITY, "person@example.com", "x" * 65, "a\tb", "é", "{}", ""):
        world.client.get("/version", headers={"Ory-Webhook-Trigger-ID": value})
    triggers = [
        json.loads(line.split("request ", 1)[1].rsplit("} ", 1)[0] + "}").get("trigger_id") for line in log_lines
    ]
    assert triggers == [IDENTITY, *[None] * 6]


@pytest.mark.parametrize("path", ["/health", "/health/alive", "/health/ready"])
def test_health_checks_are_logged_only_when_they_fail(
    make_world: Callable[..., World], log_lines: list[str], path: str
) -> None:
    make_world().client.get(path)
    assert [line for line in log_lines if " request " in line] == []
    world = make_world()  # whose Kratos has not been asked this second
    world.kratos.server.faults = lambda _: faults.answer(503)
    failed = world.client.get(path).status_code == 503
    assert bool([line for line in log_lines if " request " in line]) is failed is (path == "/health/ready")


# --- the version ---


def test_the_version_is_the_installed_packages() -> None:
    assert webhook.__version__ == metadata.version("ory-jumio-webhook")


def test_a_source_tree_that_was_never_installed_has_a_version_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def version(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", version)
    assert runpy.run_path(str(Path(webhook.__file__)))["__version__"] == "0.0.0"
