# SPDX-License-Identifier: Apache-2.0
"""`jumio-webhook explain ID`: whether somebody may sign in, and why they have the level they have. It writes nothing.

Whom it is asked about by an address is told by their id: the address is not said again, wherever the output goes.
"""

import json
import sys

from webhook import wiring
from webhook.commands.arguments import WrongArgument, address_of
from webhook.core.explanation import as_text, explanation
from webhook.core.ids import usable_identity_id
from webhook.core.record import Record
from webhook.core.sign_in import Account, Link, Rules
from webhook.core.status import Status
from webhook.errors import KratosError
from webhook.idv.jumio.words import grade_of
from webhook.ory.kratos.client import KratosClient
from webhook.ory.kratos.documents import Identity
from webhook.ory.kratos.metadata import is_readable, public_record
from webhook.runtime import log
from webhook.settings import Settings
from webhook.verification.links import Links


def run(settings: Settings, *, whom: str, as_json: bool) -> int:
    """Print it; 1 when Kratos does not tell, or nobody is meant, or more than one.

    :raises WrongArgument: `whom` is neither an identity id nor an address.
    """
    log.configure(log_format=settings.log.format, level="warning")
    identity_id, address = usable_identity_id(whom), address_of(whom)
    if identity_id is None and address is None:
        raise WrongArgument(
            "ID must be the id of a Kratos identity, a UUID, or an address that somebody signs in with, such as "
            "ada@example.com or +441632960960"
        )
    services = wiring.for_commands(settings)
    try:
        found = services.kratos.get(identity_id) if identity_id else _with_address(services.kratos, address or "")
    except (KratosError, _NotOne) as error:
        print(f"{identity_id or 'that address'}: {error}", file=sys.stderr)
        return 1
    verification = settings.verification
    told = explanation(
        found.record,
        account=_account(found, services.links),
        rules=Rules(blocked=verification.block_login_statuses, starts_a_day=verification.max_starts_per_day),
        verified_address=found.verified_address,
        table=verification.assurance_table,
        grade_of=grade_of,
        now=services.clock(),
    )
    if as_json:
        print(json.dumps({"identity_id": found.id, **told}, indent=2))
    else:
        print(f"identity         {found.id}\n{as_text(told)}")
    return 0


class _NotOne(Exception):
    """Nobody is meant, or more than one."""


def _with_address(kratos: KratosClient, address: str) -> Identity:
    found = kratos.by_address(address)
    if not found:
        raise _NotOne("nobody signs in with it")
    if len(found) > 1:
        raise _NotOne(f"several identities sign in with it; name one by its id: {', '.join(each.id for each in found)}")
    return found[0]


def _account(identity: Identity, links: Links) -> Account:
    """The gate goes by the public copy, and by the other where that cannot be read."""
    record, metadata = identity.record, identity.metadata_public
    status: Status | None = public_record(metadata).status if is_readable(metadata) else record.status
    is_undecidable = not is_readable(metadata) and status is Status.NONE  # which is never written
    return Account(state=identity.state, gate_status=None if is_undecidable else status, link=_link_of(record, links))


def _link_of(record: Record, links: Links) -> Link:
    further = record.open_reverification
    url = record.verification_url if further is None else further.verification_url
    if url is None:
        return Link.NONE
    if not links.is_ours(url):
        return Link.NOT_OURS
    return Link.EXPIRED if links.is_expired(url) else Link.WORKS
