# SPDX-License-Identifier: Apache-2.0
"""Kratos' JSON documents into our values, and our records into JSON Patches."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import parse_qs, urlsplit

from webhook.core.ids import usable_identity_id
from webhook.core.record import Record
from webhook.errors import KratosUnavailable, NotKratos
from webhook.ory.kratos.metadata import admin_member, copies_agree, public_member, read_record

_LONGEST_LINK_HEADER = 8192


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What the service uses of an identity; traits and credentials are never kept."""

    id: str
    state: str | None
    metadata_public: Any
    metadata_admin: Any
    verified_address: bool = False

    @cached_property
    def record(self) -> Record:
        """The verification's record, read once from both copies."""
        return read_record(self.metadata_public, self.metadata_admin)

    def holds(self, record: Record) -> bool:
        """Whether both copies say exactly what the record says."""
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
    """
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        raise NotKratos("Kratos' answer is not JSON") from None


def parse_identity(document: object) -> Identity:
    """One identity.

    :raises NotKratos: it is not one.
    """
    identity_id = document.get("id") if isinstance(document, Mapping) else None
    if not isinstance(document, Mapping) or not isinstance(identity_id, str) or not usable_identity_id(identity_id):
        raise NotKratos("Kratos' answer is not an identity")
    return Identity(
        id=identity_id.lower(),
        state=document.get("state"),
        metadata_public=document.get("metadata_public"),
        metadata_admin=document.get("metadata_admin"),
        verified_address=_has_verified_address(document.get("verifiable_addresses")),
    )


def _has_verified_address(addresses: object) -> bool:
    return isinstance(addresses, list) and any(
        isinstance(address, Mapping) and address.get("verified") is True for address in addresses
    )


def parse_page(document: object) -> list[Identity]:
    """A page of identities.

    :raises NotKratos: it is not one.
    """
    if not isinstance(document, list):
        raise NotKratos("Kratos' answer is not a list of identities")
    return [parse_identity(item) for item in document]


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


def patch_of(record: Record, *, state: str | None = None) -> list[dict[str, Any]]:
    """The JSON Patch that writes both copies of the record, and the identity's state where one is given.

    `add` replaces a member that is there and creates the metadata around one that is not.
    """
    patch: list[dict[str, Any]] = [
        {"op": "add", "path": "/metadata_public/jumio", "value": public_member(record)},
        {"op": "add", "path": "/metadata_admin/jumio", "value": admin_member(record)},
    ]
    if state is not None:
        patch.append({"op": "replace", "path": "/state", "value": state})
    return patch
