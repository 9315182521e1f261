# SPDX-License-Identifier: Apache-2.0
"""`sync --metrics-port`: what is answered beside a sweep."""

import errno
from collections.abc import Callable, Iterator

import pytest
import requests
from support import AUTH, World

from sandbox import faults
from sandbox.server import free_port
from webhook import wiring
from webhook.runtime import metrics
from webhook.web import companion

Command = Callable[..., int]


@pytest.fixture
def url(make_world: Callable[..., World]) -> Iterator[str]:
    port = free_port()
    server = companion.listen(wiring.for_commands(make_world(BIND_ADDRESS="127.0.0.1").settings), port)
    yield f"http://127.0.0.1:{port}"
    server.stop()


def test_metrics_are_behind_orys_secret(url: str) -> None:
    assert requests.get(f"{url}/metrics/prometheus", timeout=5).status_code == 401
    wrong = requests.get(f"{url}/metrics/prometheus", headers={"Authorization": "Bearer wrong"}, timeout=5)
    assert wrong.status_code == 401
    assert wrong.json()["error"]["code"] == 401
    answer = requests.get(f"{url}/metrics/prometheus", headers=AUTH, timeout=5)
    assert answer.status_code == 200
    assert answer.headers["Content-Type"] == metrics.CONTENT_TYPE
    assert "jumio_webhook_sweep_last_full_timestamp_seconds" in answer.text


def test_health_is_open_to_everybody(url: str, world: World) -> None:
    for path in ("/health", "/health/alive", "/health/ready"):
        assert requests.get(f"{url}{path}", timeout=5).json() == {"status": "ok"}
    assert requests.get(f"{url}/version", timeout=5).status_code == 200


def test_it_is_not_ready_while_kratos_is_away(url: str, world: World) -> None:
    world.kratos.server.faults = lambda request: faults.answer(503)
    assert requests.get(f"{url}/health/ready", timeout=5).status_code == 503
    assert requests.get(f"{url}/health/alive", timeout=5).status_code == 200


@pytest.mark.parametrize("path", ["/jumio/initiate", "/jumio/validate", "/jumio/callback", "/jumio/reverify", "/"])
def test_nothing_else_is_answered(url: str, path: str) -> None:
    assert requests.post(f"{url}{path}", json={}, headers=AUTH, timeout=5).status_code == 404


def test_the_command_listens_where_it_is_told_to(
    command: Command, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[int] = []
    monkeypatch.setattr(companion, "listen", lambda services, port: told.append(port))
    assert (command("sync"), told) == (0, [])
    assert (command("sync", "--metrics-port", "9464"), told) == (0, [9464])


def test_a_port_that_is_taken_is_told(
    command: Command, world: World, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def taken(*_: object) -> None:
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(companion, "listen", taken)
    assert command("sync", "--metrics-port", "9464") == 2
    assert "--metrics-port 9464 cannot be listened at: Address already in use" in capsys.readouterr().err
    assert world.calls() == []


@pytest.mark.parametrize("port", ["0", "65536", "-1", "http", "９４６４"])
def test_a_port_is_a_port(command: Command, port: str) -> None:
    with pytest.raises(SystemExit) as raised:
        command("sync", "--metrics-port", port)
    assert raised.value.code == 2
