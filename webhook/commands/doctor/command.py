# SPDX-License-Identifier: Apache-2.0
"""Runs the checks one after the other, the ones that call somebody last, and reports."""

import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from webhook.commands.doctor import (
    certificate,
    hook_urls,
    identity_schemas,
    identity_traits,
    kratos_config,
    kratos_file,
    peers,
    policies,
    report,
    setting_names,
    settings_check,
    templates,
    valkey_check,
)
from webhook.commands.doctor.findings import Finding, Severity, merged
from webhook.commands.doctor.library import library_of
from webhook.settings import Settings, given_names

EXIT_FOUND = 1
EXIT_CANNOT_RUN = 2


def run(
    settings: Settings,
    *,
    kratos_files: Sequence[Path],
    templates: Path | None = None,
    as_json: bool,
    strict: bool = False,
) -> int:
    """0 nothing to repair, 1 an error (or, if it is to be `strict`, a warning), 2 a configuration cannot be read."""
    try:
        examined = _examine(settings, kratos_files, templates)
    except kratos_file.CannotRun as cause:
        sys.stderr.write(f"jumio-webhook doctor cannot run: {cause}\n")
        return EXIT_CANNOT_RUN
    shown = merged(examined.findings)
    show = report.as_json if as_json else report.as_text
    sys.stdout.write(f"{show(shown, examined.checked, examined.not_checked)}\n")
    return EXIT_FOUND if any(strict or finding.severity is Severity.ERROR for finding in shown) else 0


@dataclass
class _Examined:
    """The findings, what was checked, and what was not and why."""

    findings: list[Finding] = field(default_factory=list)
    checked: list[str] = field(default_factory=list)
    not_checked: dict[str, str] = field(default_factory=dict)


def _examine(settings: Settings, files: Sequence[Path], copies: Path | None) -> _Examined:
    examined = _Examined()
    if files:
        _examine_kratos(examined, settings, files, copies)
    else:
        examined.not_checked["kratos-config"] = "no --kratos-config FILE"

    examined.findings += setting_names.check(given_names(), Settings.names())
    examined.findings += settings_check.check(settings)
    examined.findings += peers.check_kratos(settings)
    of_jumio, asked = peers.check_jumio(settings)
    examined.findings += of_jumio
    examined.checked += ["settings", "kratos", "jumio"]
    if not asked:
        examined.not_checked["jumio-api"] = "there is no token to ask it with"

    if settings.valkey is not None:
        examined.findings += valkey_check.check(settings.valkey)
        examined.checked.append("valkey")

    if settings.links.public_url is not None and settings.links.public_url.startswith("https:"):
        examined.findings += certificate.check(settings.links.public_url, now=datetime.now(UTC))
        examined.checked.append("certificate")
    else:
        examined.not_checked["certificate"] = "PUBLIC_URL is not set, or not https"
    return examined


def _examine_kratos(examined: _Examined, settings: Settings, files: Sequence[Path], copies: Path | None) -> None:
    document = kratos_file.load(files)
    library = library_of(document, files=files, copies=copies)
    examined.findings += kratos_config.check(document, settings, policies.policies(document, library))
    examined.findings += templates.check(document, library)
    examined.findings += identity_schemas.check(document, library)
    examined.findings += identity_traits.check(document, library, settings.kratos.traits)
    unreachable, unknown = hook_urls.check(document)
    examined.findings += unreachable
    examined.checked += ["kratos-config", "hook-urls"]
    for uri in templates.not_seen(document, library):
        examined.not_checked[f"template {uri}"] = "is not on this machine; --templates DIR looks at copies"
    for uri in identity_schemas.not_seen(document, library):
        examined.not_checked[f"identity schema {uri}"] = "is not on this machine"
    for host in unknown:
        examined.not_checked[f"hook-url {host}"] = "its name is not known here, as that of a private network"
    examined.not_checked["kratos-environment"] = "variables that override Kratos' files are not seen from here"
