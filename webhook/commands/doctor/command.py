# SPDX-License-Identifier: Apache-2.0
"""Runs the checks one after the other, the ones that call somebody last, and reports."""

import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from webhook.commands.doctor import (
    certificate,
    kratos_config,
    kratos_file,
    peers,
    policies,
    report,
    settings_check,
    templates,
    valkey_check,
)
from webhook.commands.doctor.findings import Finding, merged
from webhook.settings import Settings

EXIT_FOUND = 1
EXIT_CANNOT_RUN = 2


def run(settings: Settings, *, kratos_files: Sequence[Path], as_json: bool) -> int:
    """0 nothing found, 1 something found, 2 a configuration file cannot be read."""
    try:
        findings, checked, skipped = _examine(settings, kratos_files)
    except kratos_file.CannotRun as cause:
        sys.stderr.write(f"jumio-webhook doctor cannot run: {cause}\n")
        return EXIT_CANNOT_RUN
    shown = merged(findings)
    text = report.as_json(shown, checked) if as_json else report.as_text(shown, checked, skipped)
    sys.stdout.write(f"{text}\n")
    return EXIT_FOUND if shown else 0


def _examine(settings: Settings, files: Sequence[Path]) -> tuple[list[Finding], list[str], dict[str, str]]:
    """The findings, what was checked, and what was not and why."""
    findings: list[Finding] = []
    checked: list[str] = []
    skipped: dict[str, str] = {}

    if files:
        document = kratos_file.load(files)
        findings += kratos_config.check(document, settings, policies.policies(document))
        findings += templates.check(document)
        checked.append("kratos-config")
        if not policies.can_evaluate():
            skipped["policies"] = "only looked for: `pip install jsonnet` evaluates the templates"
        skipped["kratos-environment"] = "variables that override Kratos' files are not seen from here"
    else:
        skipped["kratos-config"] = "no --kratos-config FILE"

    findings += settings_check.check(settings)
    findings += peers.check_kratos(settings)
    findings += peers.check_jumio(settings)
    checked += ["settings", "kratos", "jumio"]

    if settings.valkey is not None:
        findings += valkey_check.check(settings.valkey)
        checked.append("valkey")

    if settings.links.public_url is not None and settings.links.public_url.startswith("https:"):
        findings += certificate.check(settings.links.public_url, now=datetime.now(UTC))
        checked.append("certificate")
    else:
        skipped["certificate"] = "PUBLIC_URL is not set, or not https"
    return findings, checked, skipped
