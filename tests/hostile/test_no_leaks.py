# SPDX-License-Identifier: Apache-2.0
"""A whole demo and all that can go wrong in it, at the debug level: no line tells a secret or a person's datum."""

import base64
import contextlib
import hashlib
import hmac
import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
import requests

from sandbox import demo, faults
from sandbox.people import PASSWORD
from sandbox.world import CALLBACK_SECRET, ORY_SECRET, World, world

API_KEY = "ory_apikey_of_the_leak_test"
CLIENT_ID = "sandbox-client"
CLIENT_SECRET = "sandbox-client-secret"
AUTH = {"Authorization": f"Bearer {ORY_SECRET}"}


def capability(identity_id: str) -> str:
    digest = hmac.new(CALLBACK_SECRET.encode(), identity_id.encode(), hashlib.sha256).digest()
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


@pytest.fixture(scope="module", params=["json", "text"])
def here(request: pytest.FixtureRequest) -> Iterator[World]:
    settings = {"LOG_FORMAT": request.param, "LOG_LEVEL": "debug", "ORY_API_KEY": API_KEY, "WEB_CONCURRENCY": "1"}
    settings |= {"IDENTITY_TRAITS": demo.TRAITS}
    with world(kratos_binary=None, **settings) as started:
        yield started


def post(here: World, path: str, body: Any, **headers: str) -> int:
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return requests.post(f"{here.service.url}{path}", data=data, headers=headers, timeout=15).status_code


def everything_that_goes_wrong(here: World, identity_id: str) -> None:
    """Each with something private in it, at a place where it might be quoted."""
    service, [one] = here.service, here.jumio.truth(identity_id)
    private = {"email": "ada@example.com", "password": PASSWORD, "token": one.token, "link": one.web_href}
    hook = {"identity": {"id": identity_id, "traits": private, "metadata_public": None}, "flow": private}
    bell = {"workflowExecution": {"id": one.id, "status": "PROCESSED"}, "account": {"id": one.account_id}, **private}
    path = f"/jumio/callback/{identity_id}/{capability(identity_id)}"

    for route in ("/jumio/initiate", "/jumio/validate"):
        assert post(here, route, hook, Authorization=f"Bearer {CLIENT_SECRET}") == 401
        assert post(here, route, {**private, "identity": private}, **AUTH) == 400
        assert post(here, route, f'{{"{ORY_SECRET}": "{one.web_href}", '.encode(), **AUTH) == 400
        assert post(here, route, b"x" * (2 << 20), **AUTH) == 413
    assert post(here, "/jumio/callback", bell, **{"X-Jumio-Signature": CALLBACK_SECRET}) == 401
    assert post(here, f"{path}x", bell) == 401
    assert post(here, f"{path}/{ORY_SECRET}", bell) == 404
    assert post(here, f"{path}?secret={ORY_SECRET}&link={one.token}", private) == 400
    assert requests.put(f"{service.url}{path}", timeout=5).status_code == 405
    headers = {
        "Ory-Webhook-Trigger-ID": f"{ORY_SECRET} ada@example.com",
        "User-Agent": one.token,
        "Referer": one.web_href,
    }
    assert post(here, "/jumio/validate", hook, **AUTH, **headers) == 200
    for nonsense in (
        f"GET {path} {ORY_SECRET}\r\n\r\n",
        f"POST {path} HTTP/1.1\r\nAuthorization Bearer {ORY_SECRET}\r\n\r\n",
        f"POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: {one.token}\r\n\r\n",
        f"{ORY_SECRET} ada@example.com {one.web_href}\r\n\r\n",
        f"POST {path} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{one.token}\r\n",
        f"GET /{'x' * 9000} HTTP/1.1\r\nHost: {one.token}\r\n\r\n",
    ):
        with (
            socket.create_connection(("127.0.0.1", service.port), timeout=10) as connection,
            contextlib.suppress(OSError),  # what is not read to its end may be answered by a reset
        ):
            connection.sendall(nonsense.encode())
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65536):
                pass

    document = json.dumps(private).encode()
    broken = [
        *(faults.reset(), faults.garbage(), faults.redirect(one.web_href), faults.oversize()),
        *(faults.answer(status, document) for status in (200, 400, 401, 403, 409, 429, 500, 503)),
    ]
    for fault in broken:
        here.jumio.server.faults = lambda _, fault=fault: fault
        assert post(here, path, bell) == 503
        unlucky = here.kratos.create_identity(f"unlucky-{len(here.jumio.server.requests)}@example.com")
        assert post(here, "/jumio/initiate", {"identity": {"id": unlucky}}, **AUTH) == 200
        here.jumio.server.faults = None
        here.kratos.server.faults = lambda _, fault=fault: fault
        assert post(here, "/jumio/initiate", hook, **AUTH) == 503
        assert post(here, path, bell) == 503
        assert requests.get(f"{service.url}/health/ready", timeout=15).status_code in (200, 503)
        here.kratos.server.faults = None


def test_no_line_of_the_service_or_of_sync_tells_anything(here: World) -> None:
    acts = [demo._play(person, here, lambda text: None) for person in demo.PEOPLE]
    assert all(act.as_promised for act in acts)
    eve = here.kratos.register("eve@example.com")
    assert eve.identity_id is not None
    here.wait_for_status(eve.identity_id, other_than=None)
    everything_that_goes_wrong(here, eve.identity_id)
    bearer = [here.jumio.issue_token()]
    here.jumio.revoke_token()
    swept = [here.service.run("sync", "--identity", eve.identity_id)]
    here.kratos.server.faults = lambda _: faults.answer(403, b"{}")
    swept.append(here.service.run("sync", "--json"))
    here.kratos.server.faults = None
    bearer.append(here.jumio.issue_token())
    assert [one.returncode for one in swept] == [0, 1]
    assert here.service.stop() == 0

    identities = [identity["id"] for identity in here.kratos.identities.page(500, "")[0]]
    private = [
        *(ORY_SECRET, CALLBACK_SECRET, CLIENT_ID, CLIENT_SECRET, API_KEY, PASSWORD, *bearer),
        *(capability(identity_id) for identity_id in identities),
        *(workflow.token for workflow in here.jumio.workflows),
        *(workflow.web_href for workflow in here.jumio.workflows),
        *(act.login.session_token for act in acts if act.login.session_token),
    ]
    found = re.compile(
        "|".join(
            [
                *map(re.escape, private),
                r"\S@\S",
                "authorizationToken",
                "eyJ",
                "Bearer",
                "JANE|DOE",
                "(?i:lovelace|grissom)",
                "1990-0[15]-[01]",
            ]
        )
    )
    lines = here.service.log().splitlines()
    for one in swept:
        lines += one.stdout.splitlines() + one.stderr.splitlines()
    assert len(lines) > 150
    assert [line for line in lines if found.search(line)] == []
    assert [line for line in lines if "Traceback" in line] == []
    for event in ("verification.started", "verification.settled", "session.revoked", "secret.refused", "outbound"):
        assert any(event in line for line in lines), event
