# SPDX-License-Identifier: Apache-2.0
"""Kratos' JSON documents into our values, and our records into JSON Patches."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlsplit

from webhook.core.identity import Identity as AnyIdentity
from webhook.core.ids import usable_identity_id
from webhook.core.person import Person
from webhook.core.record import Record
from webhook.core.times import from_text
from webhook.core.traits import Traits
from webhook.core.workflows import Workflow
from webhook.errors import KratosUnavailable, NotKratos, TooDeep
from webhook.ory.kratos.metadata import (
    ADMIN_NAMES,
    PUBLIC_NAMES,
    WORKFLOW_NAMES,
    WORKFLOWS,
    admin_member,
    admin_summary,
    copies_agree,
    key_of,
    known_of,
    member,
    parse_workflows,
    public_member,
    read_record,
    with_what_stands,
    workflow_members,
)

_LONGEST_LINK_HEADER = 8192
_ABSENT = object()


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What the service uses of an identity; of its traits only whom the account names, and no credentials.

    `unchanged_for` is how long ago it was written, by Kratos' own clock; None where Kratos did not say. `person` is
    whom the account names; None where the settings do not say where that stands.
    """

    id: str
    state: str | None
    metadata_public: Any
    metadata_admin: Any
    verified_address: bool = False
    unchanged_for: timedelta | None = field(default=None, compare=False)
    person: Person | None = field(default=None, repr=False)

    @cached_property
    def record(self) -> Record:
        """The verification's record, read once from both copies."""
        return read_record(self.metadata_public, self.metadata_admin)

    @property
    def workflows(self) -> tuple[Workflow, ...]:
        """Those that are listed, whatever the copies say beside the list."""
        return parse_workflows(member(self.metadata_admin))

    def shows(self, patch: Sequence[Mapping[str, Any]]) -> bool:
        """Whether all that a patch of ours did is there; what else is there another process may have written."""
        document = {
            "metadata_public": self.metadata_public, "metadata_admin": self.metadata_admin, "state": self.state
        }  # fmt: skip
        return all(_found(document, each["path"]) == each.get("value", _ABSENT) for each in patch)

    def holds(self, record: Record) -> bool:
        """Whether both copies say what the record says, by all that this version knows."""
        return copies_agree(record, self.metadata_public, self.metadata_admin)

    @property
    def is_writable(self) -> bool:
        """Whether both metadata can hold our member: Kratos refuses to add one to a string, a number or a list."""
        return all(
            metadata is None or isinstance(metadata, Mapping)
            for metadata in (self.metadata_public, self.metadata_admin)
        )


def parse_json(body: bytes) -> Any:
    """The JSON of an answer.

    :raises NotKratos: it is not JSON.
    :raises TooDeep: or nested too deeply.
    """
    try:
        return json.loads(body, parse_int=_number)
    except ValueError:
        raise NotKratos("Kratos' answer is not JSON") from None
    except RecursionError:
        raise TooDeep("Kratos' answer is not JSON that can be read: it is nested too deeply") from None


def _number(digits: str) -> int | float:
    """Somebody else's metadata may hold one of thousands of digits, which Python reads as no int."""
    return int(digits) if len(digits) < 100 else float(digits)


def parse_identity(document: object, *, told_at: datetime | None = None, traits: Traits | None = None) -> Identity:
    """One identity; `told_at` is when Kratos says that it answered.

    :raises NotKratos: it is not one.
    """
    identity_id = document.get("id") if isinstance(document, Mapping) else None
    if not isinstance(document, Mapping) or not isinstance(identity_id, str) or not usable_identity_id(identity_id):
        raise NotKratos("Kratos' answer is not an identity")
    updated_at = from_text(document.get("updated_at"))
    return Identity(
        id=identity_id.lower(),
        state=document.get("state"),
        metadata_public=document.get("metadata_public"),
        metadata_admin=document.get("metadata_admin"),
        verified_address=_has_verified_address(document.get("verifiable_addresses")),
        person=None if traits is None else traits.person_of(document.get("traits")),
        unchanged_for=None if told_at is None or updated_at is None else max(told_at - updated_at, timedelta()),
    )


def _has_verified_address(addresses: object) -> bool:
    return isinstance(addresses, list) and any(
        isinstance(address, Mapping) and address.get("verified") is True for address in addresses
    )


def parse_page(document: object, *, told_at: datetime | None = None, traits: Traits | None = None) -> list[Identity]:
    """A page of identities.

    :raises NotKratos: it is not one.
    """
    if not isinstance(document, list):
        raise NotKratos("Kratos' answer is not a list of identities")
    return [parse_identity(item, told_at=told_at, traits=traits) for item in document]


def answered_at(date_header: str | None) -> datetime | None:
    """When Kratos answered, by its own clock: its `Date` header, to the second."""
    try:
        return parsedate_to_datetime(date_header or "").astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def next_page_token(link_header: str | None) -> str | None:
    """The opaque token of the next page, from the `Link` header; the link itself is never followed.

    :raises KratosUnavailable: there is a next page, but no token: to stop there would silently leave people out.
    """
    for link in (link_header or "")[:_LONGEST_LINK_HEADER].split(","):
        target, _, parameters = link.strip().partition(">")
        relations = {parameter.strip() for parameter in parameters.split(";")}
        if target.startswith("<") and relations & {'rel="next"', "rel=next"}:
            try:
                tokens = parse_qs(urlsplit(target[1:]).query).get("page_token")
            except ValueError:
                tokens = None
            if not tokens:
                raise KratosUnavailable("Kratos' Link header names no next page")
            return tokens[0]
    return None


def patch_of(record: Record, *, onto: AnyIdentity | None = None, state: str | None = None) -> list[dict[str, Any]]:
    """The JSON Patch that writes both copies of the record, and the identity's state where one is given.

    `onto` is the identity as it was read: members that this version does not know stay, and of its workflows only those
    are written that changed, so that what another process adds meanwhile stays as well. `add` replaces a member that is
    there and creates the metadata around one that is not.
    """
    public = member(onto.metadata_public) if onto else None
    stands = _admin_copy(onto.metadata_admin) if onto else None
    patch: list[dict[str, Any]] = []
    if public is None or known_of(public, PUBLIC_NAMES) != public_member(record):
        written = with_what_stands(public, public_member(record), PUBLIC_NAMES)
        patch.append({"op": "add", "path": "/metadata_public/jumio", "value": written})
    if stands is None:
        patch.append({"op": "add", "path": "/metadata_admin/jumio", "value": admin_member(record)})
    else:
        patch += _onto_admin_copy(record, stands)
    if state is not None:
        patch.append({"op": "replace", "path": "/state", "value": state})
    return patch


def patch_of_asking(asked_at: str) -> list[dict[str, Any]]:
    """The JSON Patch that notes that a start is asked for, whatever else is recorded."""
    return [{"op": "add", "path": "/metadata_admin/jumio/asked_at", "value": asked_at}]


def _admin_copy(metadata: object) -> Mapping[str, Any] | None:
    """What stands there; None where it has a shape below which nothing can be written.

    An absent one is an empty one: another process may be writing the first one as well.
    """
    has_other_shape = isinstance(metadata, Mapping) and metadata.get("jumio") is not None
    return member(metadata) if has_other_shape else {}


def _onto_admin_copy(record: Record, stands: Mapping[str, Any]) -> list[dict[str, Any]]:
    below, summary, workflows = "/metadata_admin/jumio", admin_summary(record), workflow_members(record)
    written = {
        name: with_what_stands(stands.get(name), value, ADMIN_NAMES[name])
        for name, value in summary.items()
        if name not in stands or known_of(stands[name], ADMIN_NAMES[name]) != value
    }
    ended = [name for name in ADMIN_NAMES if name in stands and name not in summary]
    listed = stands.get(WORKFLOWS, {})
    if isinstance(listed, Mapping):
        read = {key_of(each) for each in parse_workflows(stands)}
        ended += [f"{WORKFLOWS}/{_escaped(key)}" for key in sorted(read - set(workflows))]
        written |= {
            f"{WORKFLOWS}/{_escaped(key)}": with_what_stands(listed.get(key), value, WORKFLOW_NAMES)
            for key, value in workflows.items()
            if known_of(listed.get(key), WORKFLOW_NAMES) != value
        }
    else:  # nothing can be added below that
        written[WORKFLOWS] = workflows
    return [
        *({"op": "add", "path": f"{below}/{name}", "value": value} for name, value in written.items()),
        *({"op": "remove", "path": f"{below}/{name}"} for name in ended),
    ]


def _found(document: object, path: str) -> object:
    here = document
    for part in path.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        here = here.get(name, _ABSENT) if isinstance(here, Mapping) else _ABSENT
    return here


def _escaped(key: str) -> str:
    """RFC 6901."""
    return key.replace("~", "~0").replace("/", "~1")
