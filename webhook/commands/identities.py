# SPDX-License-Identifier: Apache-2.0
"""`jumio-webhook explain` and `reverify`: the commands about people rather than about the service."""

import json
import random
import sys
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from webhook.commands import explanation as explain
from webhook.commands.sync import JUMIO_SECONDS
from webhook.coordination.pace import JUMIO_LIMITS, Pace
from webhook.core.status import Status
from webhook.core.times import from_text
from webhook.errors import KratosError, ServiceError
from webhook.idv.jumio.client import JumioClient
from webhook.ory.kratos.client import KratosClient
from webhook.ory.kratos.hooks import usable_identity_id
from webhook.ory.kratos.metadata import read_record
from webhook.runtime import log
from webhook.settings import Settings
from webhook.verification.settle import Verifications
from webhook.verification.start import Start

NOT_AN_ID = "must be the id of a Kratos identity, a UUID: {!r} is none"


def run_explain(settings: Settings, *, identity: str, as_json: bool) -> int:
    """Print why somebody has the level they have; 1 when Kratos does not tell, 2 for a malformed id."""
    log.configure(log_format=settings.log_format, level="warning")
    identity_id = usable_identity_id(identity)
    if identity_id is None:
        print(f"ID {NOT_AN_ID.format(identity)}", file=sys.stderr)
        return 2
    try:
        found = KratosClient(settings).get(identity_id)
    except KratosError as error:
        print(f"{identity_id}: {error}", file=sys.stderr)
        return 1
    told = explain.explanation(
        read_record(found.metadata_public, found.metadata_admin),
        verified_address=found.verified_address,
        table=settings.assurance_table,
        now=explain.now(),
    )
    print(explain.as_json(told) if as_json else f"identity         {identity_id}\n{explain.as_text(told)}")
    return 0


def run_reverify(
    settings: Settings,
    *,
    identity: str | None,
    older_than: timedelta | None,
    reason: str,
    due_in: timedelta | None,
    dry_run: bool,
) -> int:
    """Ask one person, or all who were verified too long ago, to do it again; 1 when that failed for anybody."""
    log.configure(log_format=settings.log_format, level=settings.log_level)
    pace = Pace(JUMIO_LIMITS)
    kratos = KratosClient(settings)
    jumio = JumioClient(settings, before_call=pace.wait)
    verifications = Verifications(settings, kratos=kratos, jumio=jumio, jumio_seconds=JUMIO_SECONDS)
    identity_id = None if identity is None else usable_identity_id(identity)
    if identity is not None and identity_id is None:
        print(f"--identity {NOT_AN_ID.format(identity)}", file=sys.stderr)
        return 2
    counts = {"asked": 0, "unchanged": 0, "failed": 0}
    try:
        for each in [identity_id] if identity_id else _older_than(kratos, older_than or timedelta()):
            log.begin(identity_id=each)
            counts["asked" if dry_run else _ask(verifications, each, reason, due_in)] += 1
            if dry_run:
                print(each)
    except ServiceError as error:
        print(f"stopped: {error}", file=sys.stderr)
        counts["failed"] += 1
    print(json.dumps(counts), file=sys.stderr if dry_run else sys.stdout)
    return 1 if counts["failed"] else 0


def _older_than(kratos: KratosClient, age: timedelta) -> Iterator[str]:
    """Everybody whose verification is older and who has not been asked already."""
    token: str | None = None
    while True:
        page, token = kratos.page(token)
        random.shuffle(page)  # so that two that run at once rarely meet
        for identity in page:
            record = read_record(identity.metadata_public, identity.metadata_admin)
            verified_at = from_text(record.assurance.verified_at if record.assurance else record.decided_at)
            if (
                record.status in (Status.APPROVED, Status.REVIEW)
                and record.reverification is None
                and (verified_at is None or datetime.now(UTC) - verified_at > age)
            ):
                yield identity.id
        if token is None:
            return


def _ask(verifications: Verifications, identity_id: str, reason: str, due_in: timedelta | None) -> str:
    try:
        before = verifications.recorded(identity_id)
        start: Start = verifications.reverify(identity_id, reason=reason, due_in=due_in)
    except ServiceError as error:  # one that fails is no reason not to ask the others
        log.event("reverify.failed", error=error)
        return "failed"
    if start.error is not None or start.reason is not None:
        log.event("reverify.failed", error=start.error, reason=start.reason)
        return "failed"
    return "asked" if start.record != before else "unchanged"
