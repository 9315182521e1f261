# SPDX-License-Identifier: Apache-2.0
"""Arguments that several commands take."""

from webhook.core.ids import usable_identity_id


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
