# SPDX-License-Identifier: Apache-2.0
"""Writing a record while others write theirs: upon what stands there, and not for ever."""

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from support import ACCOUNT, IDENTITY, NOW, TABLE, pending, settings_of

from core.workflows import at, open_one, rejected, text
from sandbox import json_patch
from webhook.coordination.local import Local
from webhook.core.record import Record
from webhook.core.settle import shown, taking_in
from webhook.core.start import Started, begun_anew, started
from webhook.core.status import Status
from webhook.errors import KratosRefused
from webhook.ory.kratos.documents import Identity, patch_of
from webhook.verification.links import Links
from webhook.verification.recorder import Recorder


class Store:
    """Kratos; `meanwhile` is what somebody else does to an identity before each write."""

    def __init__(self, record: Record, meanwhile: Callable[[dict[str, Any], int], None]) -> None:
        empty = {"metadata_public": None, "metadata_admin": None}
        self.row = json_patch.apply(empty, json.loads(json.dumps(patch_of(record))))
        self.writes = 0
        self._meanwhile = meanwhile

    def get(self, identity_id: str) -> Identity:
        return Identity(id=identity_id, state="active", **json.loads(json.dumps(self.row)))

    def write(self, identity: Any, record: Record, *, state: str | None = None) -> Identity:
        self.writes += 1
        self._meanwhile(self.row, self.writes)
        try:
            self.row = json_patch.apply(self.row, json.loads(json.dumps(patch_of(record, onto=identity))))
        except json_patch.PatchError as error:
            raise KratosRefused(str(error), status=400) from None
        return self.get(identity.id)


def written(store: Any, record: Record) -> Identity:
    recorder = Recorder(store, links=Links(settings_of().links), coordination=Local({}), table=TABLE, clock=lambda: NOW)
    return recorder.write(store.get(IDENTITY), record)  # type: ignore[return-value]  # a port's


def test_what_another_process_removed_already_is_no_error() -> None:
    store = Store(pending(asked_at="x"), lambda row, _: row["metadata_admin"]["jumio"].pop("asked_at", None))
    assert written(store, pending()).record == pending()
    assert store.writes == 2


def test_what_another_process_adds_is_taken_in() -> None:
    def add(row: dict[str, Any], count: int) -> None:
        if count == 1:
            row["metadata_admin"]["jumio"]["workflows"]["other"] = {
                "state": "open",
                "created_at": "2099-01-01T00:00:00Z",
            }

    store = Store(pending(), add)
    assert written(store, pending(workflow_key=7)).record.workflow_execution_id == "other"
    assert store.writes == 2


def test_a_patch_that_is_refused_although_nothing_changed_is_an_error() -> None:
    class Refusing(Store):
        def write(self, identity: Any, record: Record, *, state: str | None = None) -> Identity:
            raise KratosRefused("no", status=400)

    with pytest.raises(KratosRefused):
        written(Refusing(pending(), lambda *_: None), pending(workflow_key=7))


def test_whoever_is_never_alone_leaves_the_rest_to_the_next() -> None:
    def add(row: dict[str, Any], count: int) -> None:
        row["metadata_admin"]["jumio"]["workflows"][f"o{count}"] = {
            "state": "open", "created_at": f"209{count}-01-01T00:00:00Z",
        }  # fmt: skip

    store = Store(pending(), add)
    written(store, taking_in(pending(), [open_one("x", 1)]))
    assert store.writes == 4


@pytest.mark.parametrize("stale", [{}, {"workflow_key": 7}, {"asked_at": text(20)}])
@pytest.mark.parametrize("is_started", [False, True], ids=["unstarted", "started"])
def test_what_an_operator_forgets_meanwhile_does_not_come_back(stale: dict[str, Any], is_started: bool) -> None:
    stood = shown(Record(), (rejected("r", 1, 5),))
    anew = begun_anew(stood, reason="a twin", now=NOW)
    if is_started:
        start = Started(account_id=ACCOUNT, workflow_execution_id="n", verification_url=None, created_at=at(9))
        anew = started(anew, start, workflow_key=1, link=None, now=NOW)

    def forget(row: dict[str, Any], count: int) -> None:
        if count == 1:
            identity = Identity(id=IDENTITY, state="active", **row)
            row |= json_patch.apply(row, json.loads(json.dumps(patch_of(anew, onto=identity))))

    stored = Store(stood, forget)
    record = written(stored, replace(stood, **stale)).record
    assert record.status is (Status.PENDING if is_started else Status.UNSTARTED)
    assert [each.id for each in record.known] == (["n"] if is_started else [])
    assert record.forgotten_until == anew.forgotten_until
    assert stored.get(IDENTITY).holds(record)
