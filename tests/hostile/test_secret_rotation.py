# SPDX-License-Identifier: Apache-2.0
"""Both secrets are exchanged without downtime: old, then old and new, then new, with real processes.

A verification that began under the old secret ends under the new one, and a callback URL that nobody accepts any more
costs nothing but the wait for the next sync.
"""

import json
from typing import Any

import pytest
import requests

from sandbox.world import CALLBACK_SECRET, ORY_SECRET, World, world

NEW_ORY_SECRET = "sandbox-ory-secret-of-this-year"
NEW_CALLBACK_SECRET = "sandbox-callback-secret-of-this-year"
SETTLED = {"applied", "unchanged"}


def restart(here: World, **settings: str) -> None:
    """What a rolling deployment does to each replica: end gracefully, start with other settings."""
    assert here.service.stop() == 0
    here.service.environment.update(settings)
    here.service.start()


def validate(here: World, secret: str) -> int:
    body = {"identity": {"id": "9f425a8d-7efc-4768-8f23-7647a74fdf13", "metadata_public": None}}
    headers = {"Authorization": f"Bearer {secret}"}
    return requests.post(f"{here.service.url}/jumio/validate", json=body, headers=headers, timeout=10).status_code


def initiate(here: World, name: str, secret: str) -> str:
    """A person with an open verification; the id."""
    identity_id = here.kratos.create_identity(f"{name}@example.com")
    answer = requests.post(
        f"{here.service.url}/jumio/initiate",
        json={"identity": {"id": identity_id}},
        headers={"X-Webhook-Secret": secret},
        timeout=10,
    )
    assert answer.json()["status"] == "pending"
    return identity_id


def workflow(here: World, identity_id: str) -> Any:
    [found] = here.jumio.truth(identity_id)
    return found


def call_back(here: World, identity_id: str, outcome: str = "passed") -> tuple[int, str | None]:
    """Jumio decides and calls the URL it was told at the start; what it was answered."""
    one = here.jumio.decide(workflow(here, identity_id).id, outcome, callback=False)
    body = {"workflowExecution": {"id": one.id, "status": one.status}, "account": {"id": one.account_id}}
    answer = requests.post(one.callback_url, json=body, timeout=10)
    return answer.status_code, answer.json().get("result")


@pytest.fixture(scope="module")
def here() -> Any:
    with world(kratos_binary=None, WEB_CONCURRENCY="1") as started:
        yield started


def test_secrets_rotate_without_downtime(here: World) -> None:
    both = {
        "ORY_WEBHOOK_SECRET": f"{ORY_SECRET},{NEW_ORY_SECRET}",
        "JUMIO_CALLBACK_SECRET": f"{NEW_CALLBACK_SECRET},{CALLBACK_SECRET}",
    }
    # Only the old ones.
    assert (validate(here, ORY_SECRET), validate(here, NEW_ORY_SECRET)) == (200, 401)
    early, late, last = (initiate(here, name, ORY_SECRET) for name in ("early", "late", "last"))
    assert call_back(here, early) == (200, "applied")

    # Both: either is accepted, the first one signs.
    restart(here, **both)
    assert (validate(here, ORY_SECRET), validate(here, NEW_ORY_SECRET), validate(here, "x")) == (200, 200, 401)
    assert call_back(here, late) == (200, "applied")  # a URL made by the old secret
    fresh = initiate(here, "fresh", NEW_ORY_SECRET)
    assert here.record(late)["status"] == "approved"

    # Only the new ones: what began under the old secret is not lost, only slower.
    restart(here, ORY_WEBHOOK_SECRET=NEW_ORY_SECRET, JUMIO_CALLBACK_SECRET=NEW_CALLBACK_SECRET)
    assert (validate(here, ORY_SECRET), validate(here, NEW_ORY_SECRET)) == (401, 200)
    assert call_back(here, fresh, "rejected") == (200, "applied")  # so it was signed by the new one
    assert here.record(fresh)["status"] == "rejected"
    status, result = call_back(here, last)
    assert (status, result) == (401, None)
    assert here.record(last)["status"] == "pending"
    report = here.service.run("sync", "--json")
    assert report.returncode == 0, report.stderr
    assert json.loads(report.stdout)["settled"] == 1
    assert here.record(last)["status"] == "approved"
    assert "secret.refused" in here.service.log()
