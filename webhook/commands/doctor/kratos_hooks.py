# SPDX-License-Identifier: Apache-2.0
"""Finds hooks in a Kratos configuration: ours, by the path of their URL, and the lists that Kratos runs. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any
from urllib.parse import urlsplit

from webhook.commands.doctor.kratos_methods import GLOBAL_ONLY, dig, mapping

FLOWS = "selfservice.flows"


class Role(StrEnum):
    """What one of our hooks is for; the value is the end of its URL's path, whatever stands before."""

    INITIATE = "/jumio/initiate"
    GATE = "/jumio/validate"


@dataclass(frozen=True, kw_only=True)
class Hook:
    """One of our hooks; `place` is where its `config` stands, `moment` is `before` or `after`.

    `method` is None in the list for every method that lists nothing itself.
    """

    role: Role
    flow: str
    moment: str
    method: str | None
    place: str
    config: Mapping[Any, Any]

    @property
    def ignores(self) -> bool:
        return mapping(self.config.get("response")).get("ignore") is True

    @property
    def interrupts_by(self) -> str | None:
        """The member that makes Kratos read the answer: `response.parse`, or its deprecated twin."""
        if mapping(self.config.get("response")).get("parse") is True:
            return "response.parse"
        return "can_interrupt" if self.config.get("can_interrupt") is True else None


@dataclass(frozen=True, kw_only=True)
class HookList:
    """The hooks at one place."""

    place: str
    entries: tuple[Mapping[Any, Any], ...]

    def has(self, role: Role) -> bool:
        return any(role_of(entry) is role for entry in self.entries)


def role_of(entry: Mapping[Any, Any]) -> Role | None:
    """Which of our hooks the entry is."""
    url = mapping(entry.get("config")).get("url")
    if entry.get("hook") != "web_hook" or not isinstance(url, str):
        return None
    try:
        path = urlsplit(url).path
    except ValueError:
        return None
    return next((role for role in Role if path.endswith(role)), None)


def own_hooks(document: object, flow: str, method: str) -> HookList:
    """What the method itself lists."""
    if method in GLOBAL_ONLY:
        return generic_hooks(document, flow)
    return _list(dig(document, "selfservice", "flows", flow, "after", method), f"{FLOWS}.{flow}.after.{method}")


def generic_hooks(document: object, flow: str) -> HookList:
    """What is listed for every method that lists nothing itself."""
    return _list(dig(document, "selfservice", "flows", flow, "after"), f"{FLOWS}.{flow}.after")


def effective_hooks(document: object, flow: str, method: str) -> HookList:
    """What Kratos runs: the method's own hooks, and only where it has none the generic ones; never both.

    `PostLoginHooks` and `PostRegistrationPostPersistHooks` in driver/registry_default_{login,registration}.go
    """
    own = own_hooks(document, flow, method)
    return own if own.entries else generic_hooks(document, flow)


def our_hooks(document: object) -> Iterator[Hook]:
    """Every hook of ours, in whatever flow, also where the method is switched off."""
    for flow, moments in dig(document, "selfservice", "flows").items():
        for moment in ("before", "after"):
            container = dig(moments, moment)
            place = f"{FLOWS}.{flow}.{moment}"
            lists: list[tuple[str | None, HookList]] = [(None, _list(container, place))]
            lists += [(str(name), _list(mapping(member), f"{place}.{name}")) for name, member in container.items()]
            for method, found in lists:
                for index, entry in enumerate(found.entries):
                    if (role := role_of(entry)) is not None:
                        yield Hook(
                            role=role,
                            flow=str(flow),
                            moment=moment,
                            method=method,
                            place=f"{found.place}[{index}].config",
                            config=mapping(entry["config"]),
                        )


def _list(container: Mapping[Any, Any], place: str) -> HookList:
    entries = container.get("hooks")
    listed = entries if isinstance(entries, list) else []
    return HookList(place=f"{place}.hooks", entries=tuple(mapping(entry) for entry in listed))
