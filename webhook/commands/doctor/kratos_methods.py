# SPDX-License-Identifier: Apache-2.0
"""Which methods a Kratos configuration signs people in and up with, by Kratos' own defaults. Pure.

Kratos v26.2.0: `SelfServiceStrategy` in driver/config/config.go and embedx/config.schema.json.
"""

from collections.abc import Mapping
from typing import Any

# The others must be switched on. `profile` and `link` sign nobody in.
_ON_BY_DEFAULT = frozenset({"password", "code", "profile"})
# They have no hooks of their own in the schema; what runs for them is the generic list.
GLOBAL_ONLY = ("saml", "deviceauthn")
# Settings that change how somebody signs in.
ENROLMENTS = ("password", "totp", "webauthn", "passkey", "lookup_secret", "oidc")
_FIRST_FACTORS = ("password", "oidc", "passkey", "saml")
_SECOND_FACTORS = ("totp", "lookup_secret", "deviceauthn")


def mapping(value: object) -> Mapping[Any, Any]:
    """The value where it is a mapping, else an empty one: the doctor reads on where Kratos would have stopped."""
    return value if isinstance(value, Mapping) else {}


def dig(document: object, *names: str) -> Mapping[Any, Any]:
    """The mapping below these names, empty where there is none."""
    for name in names:
        document = mapping(document).get(name)
    return mapping(document)


def registration_methods(document: object) -> list[str]:
    """The methods people can sign up with."""
    if dig(document, "selfservice", "flows", "registration").get("enabled") is False:
        return []
    return first_factors(document)


def first_factors(document: object) -> list[str]:
    """The methods that alone give a session; each of them signs people up, too."""
    methods = [method for method in _FIRST_FACTORS if _is_enabled(document, method)]
    # Without it the method `code`, although enabled by default, only recovers and verifies.
    if _method(document, "code").get("passwordless_enabled") is True:
        methods.append("code")
    if _is_enabled(document, "webauthn") and _webauthn_is_passwordless(document):
        methods.append("webauthn")
    return methods


def second_factors(document: object) -> list[str]:
    """The methods that only raise a session, which a first one has given."""
    methods = [method for method in _SECOND_FACTORS if _is_enabled(document, method)]
    code = _method(document, "code")
    if _is_enabled(document, "code") and code.get("mfa_enabled") is True and "code" not in first_factors(document):
        methods.append("code")
    if _is_enabled(document, "webauthn") and not _webauthn_is_passwordless(document):
        methods.append("webauthn")
    return methods


def settings_methods(document: object) -> list[str]:
    """What people can change of how they sign in, and the profile, with the address that a recovery goes to."""
    return [method for method in (*ENROLMENTS, "profile") if _is_enabled(document, method)]


def _method(document: object, name: str) -> Mapping[Any, Any]:
    return dig(document, "selfservice", "methods", name)


def _is_enabled(document: object, name: str) -> bool:
    return _method(document, name).get("enabled", name in _ON_BY_DEFAULT) is True


def _webauthn_is_passwordless(document: object) -> bool:
    return dig(document, "selfservice", "methods", "webauthn", "config").get("passwordless") is True
