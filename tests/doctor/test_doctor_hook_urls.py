# SPDX-License-Identifier: Apache-2.0
"""Whether anybody listens where a hook leads."""

import socket
from collections.abc import Iterator
from typing import Any

import pytest

from sandbox.server import free_port
from webhook.commands.doctor import hook_urls, reach
from webhook.commands.doctor.findings import Severity

GATE = "selfservice.flows.login.after.password.hooks[0].config"


@pytest.fixture
def listening() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def led_to(document: dict[str, Any], url: str) -> dict[str, Any]:
    """Only the gate of passwords, with this URL."""
    hook = document["selfservice"]["flows"]["login"]["after"]["password"]["hooks"][0]
    hook["config"]["url"] = url
    return {"selfservice": {"flows": {"login": {"after": {"password": {"hooks": [hook]}}}}}}


def test_somebody_listens(clean: dict[str, Any], listening: int) -> None:
    assert hook_urls.check(led_to(clean, f"http://127.0.0.1:{listening}/jumio/validate")) == ([], [])


@pytest.mark.parametrize("url", ["http://127.0.0.1:{}/jumio/validate", "https://localhost:{}/jumio/validate"])
def test_nobody_listens(clean: dict[str, Any], url: str) -> None:
    [finding], unknown = hook_urls.check(led_to(clean, url.format(free_port())))
    assert (finding.id, finding.where) == ("hook-url-unreachable", f"{GATE}.url")
    assert finding.severity is Severity.WARNING, "Kratos may see what is not seen from here"
    assert "error page" in finding.what
    assert unknown == []


def test_whom_it_concerns_at_a_sign_up(clean: dict[str, Any]) -> None:
    nowhere = f"http://127.0.0.1:{free_port()}"
    for hooks in clean["selfservice"]["flows"]["registration"]["after"].values():
        hooks["hooks"][0]["config"]["url"] = f"{nowhere}/jumio/initiate"
    del clean["selfservice"]["flows"]["login"], clean["selfservice"]["flows"]["recovery"]
    findings, _ = hook_urls.check(clean)
    assert len(findings) == 5
    assert all("never verified" in finding.what for finding in findings)


@pytest.mark.parametrize("name", ["nobody.invalid", f"{'a' * 70}.example.com"])
def test_a_name_that_nobody_knows(clean: dict[str, Any], name: str) -> None:
    [finding], unknown = hook_urls.check(led_to(clean, f"https://{name}/jumio/validate"))
    assert reach.UNKNOWN_NAME in finding.what
    assert unknown == []


def test_the_name_of_a_private_network_may_be_known_there(clean: dict[str, Any]) -> None:
    document = led_to(clean, "http://no-such-host.internal:3000/jumio/validate")
    assert hook_urls.check(document) == ([], ["no-such-host.internal"])


def test_no_answer_at_all(clean: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    def silent(*_: object, **__: object) -> None:
        raise TimeoutError

    monkeypatch.setattr(socket, "create_connection", silent)
    [finding], _ = hook_urls.check(led_to(clean, "https://10.0.0.1/jumio/validate"))
    assert "(no answer)" in finding.what


@pytest.mark.parametrize(
    "url", ["https://gate:port/jumio/validate", "gate/jumio/validate", "ftp://gate/jumio/validate"]
)
def test_what_is_no_url_of_a_host(clean: dict[str, Any], url: str) -> None:
    [finding], _ = hook_urls.check(led_to(clean, url))
    assert (finding.id, finding.where) == ("hook-url-unreachable", f"{GATE}.url")
