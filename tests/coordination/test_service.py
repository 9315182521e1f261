# SPDX-License-Identifier: Apache-2.0
"""The real service, in two processes that share a Valkey which is killed on the way."""

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import requests
from support import AUTH, REQUIRED, World

from coordination.servers import Server
from sandbox.service import ServiceProcess
from webhook.coordination.valkey import PREFIX


def test_it_counts_together_and_does_the_same_without(
    make_server: Callable[..., Server], make_world: Callable[..., World]
) -> None:
    server, world = make_server(), make_world()
    settings = {
        **REQUIRED,
        "KRATOS_ADMIN_URL": world.kratos.admin_url,
        "JUMIO_AUTH_URL": world.jumio.auth_url,
        "JUMIO_API_BASE_URL": world.jumio.api_base_url,
        "WEB_CONCURRENCY": "2",
        "REDIS_URL": f"unix://{server.url.path}",
    }
    with ServiceProcess(settings) as service, ThreadPoolExecutor(8) as threads:

        def initiate(identity_id: str) -> str:
            answer = requests.post(
                f"{service.url}/jumio/initiate", json={"identity": {"id": identity_id}}, headers=AUTH, timeout=20
            )
            return str(answer.json()["status"])

        def everybody(round_: str) -> set[str]:
            return set(threads.map(initiate, [world.person(f"{round_}-{number}") for number in range(8)]))

        assert everybody("with") == {"pending"}
        assert server.do("ZCARD", f"{PREFIX}calls:start") == 5
        server.kill()
        assert everybody("without") == {"pending"}
        assert service.log().count('"coordination.failed"') <= 2, "one line a minute from each process"
        assert requests.get(f"{service.url}/health/ready", timeout=5).status_code == 200
        metrics = requests.get(f"{service.url}/metrics/prometheus", headers=AUTH, timeout=5).text
        found = re.search(r"^jumio_webhook_coordination_failures_total (\S+)", metrics, re.MULTILINE)
        assert found
        assert float(found[1]) >= 1
        shown = service.run("doctor")
        assert "valkey-unreachable" in shown.stdout
        assert os.fspath(server.url.path) not in service.log()
