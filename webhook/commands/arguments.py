# SPDX-License-Identifier: Apache-2.0
"""Arguments that several commands take."""

import re

from webhook.core.ids import usable_identity_id

# What people sign in with that is an address: of a mailbox, or of a telephone (E.164).
_ADDRESS = re.compile(r"[^\s@]{1,64}@[^\s@]{1,255}|\+[0-9]{6,15}")


class WrongArgument(Exception):
    """An argument cannot be used; says which and why."""


def identity_id_of(text: str, name: str) -> str:
    """The identity id that was given as the argument `name`.

    :raises WrongArgument: it is none.
    """
    identity_id = usable_identity_id(text)
    if identity_id is None:
        raise WrongArgument(f"{name} must be the id of a Kratos identity, a UUID: {text!r} is none")
    return identity_id


def address_of(text: str) -> str | None:
    """The address, or None where it is none."""
    address = text.strip()
    return address if address.isprintable() and _ADDRESS.fullmatch(address) else None
