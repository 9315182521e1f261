# SPDX-License-Identifier: Apache-2.0
"""The settings, read once from a mapping and checked all together. Nothing else reads the environment."""

import contextlib
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, TypeVar, cast

from dotenv import dotenv_values

from webhook import __version__, limits, valkey_url
from webhook import setting_values as values
from webhook.core.assurance import Table
from webhook.core.person import OnDifferentPerson
from webhook.core.repeated import OnRepeated
from webhook.core.status import OnRejected, Status
from webhook.core.traits import Traits, parse_traits
from webhook.setting_values import shipped_table
from webhook.valkey_url import ValkeyUrl

T = TypeVar("T")

_DEFAULT_WORKFLOW_KEY: int | str = 10011
# "Standalone Authentication": https://documentation.jumio.ai/docs/references/servicesAndworkflow/standardService/authenticationWorkflow
_DEFAULT_REAUTH_WORKFLOW_KEY: int | str = 10014


class SettingsError(Exception):
    """Settings are missing or malformed; `problems` has one sentence each, none of which holds a value of a secret."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


@dataclass(frozen=True, kw_only=True)
class KratosSettings:
    """How Kratos' admin API is called."""

    admin_url: str
    api_key: str | None = field(repr=False)
    user_agent: str
    max_in_flight: int
    # Where the traits hold whom the account names; None where that is not compared.
    traits: Traits | None


@dataclass(frozen=True, kw_only=True)
class JumioSettings:
    """How Jumio is called, and how its callbacks are told from others'."""

    auth_url: str
    api_base_url: str
    client_id: str = field(repr=False)
    client_secret: str = field(repr=False)
    callback_secrets: tuple[bytes, ...] = field(repr=False)
    signature_header: str
    user_agent: str
    token_lifetime: str | None
    success_url: str | None
    error_url: str | None
    locale: str | None
    max_in_flight: int


@dataclass(frozen=True, kw_only=True)
class VerificationSettings:
    """What is started for whom, who is stopped, and what a verification is worth."""

    workflow_key: int | str
    reauth_workflow_key: int | str
    block_login_statuses: frozenset[Status]
    on_rejected: OnRejected
    on_different_person: OnDifferentPerson
    on_repeated: OnRepeated
    # What keys the hashes of documents (the first); None where none is kept.
    document_secrets: tuple[bytes, ...] | None = field(repr=False)
    assurance_table: Table
    max_starts_per_day: int


@dataclass(frozen=True, kw_only=True)
class LinkSettings:
    """Our own links: where they lead, what signs them (the first), what is accepted, and how long they work."""

    public_url: str | None
    secrets: tuple[bytes, ...] = field(repr=False)
    max_age: timedelta


@dataclass(frozen=True, kw_only=True)
class ServerSettings:
    """Where `serve` listens, and with how many processes."""

    bind_address: str
    port: int
    workers: int


@dataclass(frozen=True, kw_only=True)
class LogSettings:
    """`json` or `text`, from `debug`, `info`, `warning` or `error` on."""

    format: str
    level: str


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Every setting of the service, checked. Secrets are bytes and stay out of `repr`."""

    ory_webhook_secrets: tuple[bytes, ...] = field(repr=False)
    kratos: KratosSettings
    jumio: JumioSettings
    verification: VerificationSettings
    links: LinkSettings
    server: ServerSettings
    log: LogSettings
    # What several processes share; None where each is alone.
    valkey: ValkeyUrl | None

    @classmethod
    def from_mapping(cls, mapping: Mapping[str, str | None]) -> "Settings":
        """Read and check every setting; an empty value counts as not set.

        :raises SettingsError: naming everything that is wrong, at once.
        """
        reader = _Reader(mapping)
        required, optional = reader.required, reader.optional
        callback_secrets = required("JUMIO_CALLBACK_SECRET", values.secrets)
        user_agent = optional("JUMIO_USER_AGENT", values.header_value, f"ory-jumio-webhook/{__version__}")
        settings = cls(
            ory_webhook_secrets=required("ORY_WEBHOOK_SECRET", values.secrets),
            kratos=KratosSettings(
                admin_url=required("KRATOS_ADMIN_URL", values.kratos_url),
                api_key=reader.perhaps("ORY_API_KEY", values.header_value),
                user_agent=user_agent,
                max_in_flight=optional("KRATOS_MAX_IN_FLIGHT", values.number(1, 10_000), limits.KRATOS_MAX_IN_FLIGHT),
                traits=reader.perhaps("IDENTITY_TRAITS", parse_traits),
            ),
            jumio=JumioSettings(
                auth_url=required("JUMIO_AUTH_URL", values.url),
                api_base_url=required("JUMIO_API_BASE_URL", values.url),
                client_id=required("JUMIO_CLIENT_ID", values.given),
                client_secret=required("JUMIO_CLIENT_SECRET", values.given),
                callback_secrets=callback_secrets,
                signature_header=optional("JUMIO_SIGNATURE_HEADER", values.header_name, "X-Jumio-Signature"),
                user_agent=user_agent,
                token_lifetime=reader.perhaps("JUMIO_TOKEN_LIFETIME", values.token_lifetime),
                success_url=reader.perhaps("JUMIO_SUCCESS_URL", values.jumio_url),
                error_url=reader.perhaps("JUMIO_ERROR_URL", values.jumio_url),
                locale=reader.perhaps("JUMIO_LOCALE", values.locale),
                max_in_flight=optional("JUMIO_MAX_IN_FLIGHT", values.number(1, 10_000), limits.JUMIO_MAX_IN_FLIGHT),
            ),
            verification=VerificationSettings(
                workflow_key=optional("JUMIO_WORKFLOW_KEY", values.workflow_key, _DEFAULT_WORKFLOW_KEY),
                reauth_workflow_key=optional(
                    "JUMIO_REAUTH_WORKFLOW_KEY", values.workflow_key, _DEFAULT_REAUTH_WORKFLOW_KEY
                ),
                block_login_statuses=optional("BLOCK_LOGIN_STATUSES", values.statuses, frozenset({Status.REJECTED})),
                on_rejected=optional("ON_REJECTED", values.one_of(OnRejected), OnRejected.REVOKE),
                on_different_person=optional(
                    "ON_DIFFERENT_PERSON", values.one_of(OnDifferentPerson), OnDifferentPerson.REVIEW
                ),
                on_repeated=optional("ON_REPEATED", values.one_of(OnRepeated), OnRepeated.FLAG),
                document_secrets=reader.perhaps("DOCUMENT_HASH_SECRET", values.secrets),
                assurance_table=optional("ASSURANCE_TABLE", values.table, shipped_table()),
                max_starts_per_day=optional("MAX_STARTS_PER_DAY", values.number(1, 1000), 5),
            ),
            links=LinkSettings(
                public_url=reader.perhaps("PUBLIC_URL", values.public_url),
                secrets=callback_secrets,
                max_age=optional("LINK_MAX_AGE", values.duration, timedelta(days=7)),
            ),
            server=ServerSettings(
                bind_address=optional("BIND_ADDRESS", values.address, "0.0.0.0"),  # noqa: S104  # a container's port
                port=optional("PORT", values.number(1, 65535), 3000),
                workers=optional("WEB_CONCURRENCY", values.number(1, 256), 1),
            ),
            log=LogSettings(
                format=optional("LOG_FORMAT", values.choice("json", "text"), "json"),
                level=optional("LOG_LEVEL", values.choice("debug", "info", "warning", "error"), "info"),
            ),
            valkey=reader.perhaps("REDIS_URL", valkey_url.parse),
        )
        if reader.problems:
            raise SettingsError(reader.problems)
        return settings

    @classmethod
    def load(cls) -> "Settings":
        """From the environment, which wins, and a `.env` file in the working directory.

        :raises SettingsError: see `from_mapping`.
        """
        return cls.from_mapping(_given())

    @classmethod
    def names(cls) -> frozenset[str]:
        """The name of every setting there is."""
        asked = _Asked()
        with contextlib.suppress(SettingsError):
            cls.from_mapping(asked)
        return frozenset(asked.names)


def given_names() -> frozenset[str]:
    """Every name that is set in the environment or in `.env`, whosesoever it is."""
    return frozenset(_given())


def _given() -> dict[str, str | None]:
    return {**dotenv_values(".env", interpolate=False), **os.environ}


class _Asked(dict[str, str | None]):
    """No settings, and a note of each that is asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def get(self, name: str, default: Any = None) -> Any:
        self.names.append(name)
        return default


class _Reader:
    """Collects problems instead of stopping at the first."""

    def __init__(self, mapping: Mapping[str, str | None]) -> None:
        self._mapping = mapping
        self.problems: list[str] = []

    def required(self, name: str, parse: Callable[[str], T]) -> T:
        if not (self._mapping.get(name) or "").strip():
            self.problems.append(f"{name} is missing")
        return self.optional(name, parse, cast("T", None))  # which nobody gets to see: a problem was noted

    def perhaps(self, name: str, parse: Callable[[str], T]) -> T | None:
        return self.optional(name, parse, cast("T", None))

    def optional(self, name: str, parse: Callable[[str], T], default: T) -> T:
        text = (self._mapping.get(name) or "").strip()
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.problems.append(f"{name} {error}")
            return default
