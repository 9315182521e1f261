# SPDX-License-Identifier: Apache-2.0
"""Finds the files this project ships for Kratos, and fills the placeholders of those with actions."""

from __future__ import annotations

from pathlib import Path

import webhook

PACKAGE = Path(webhook.__file__).resolve().parent
ACTIONS, STEP_UP = "ory-actions.yaml", "ory-actions-step-up.yaml"
PLACEHOLDERS = {
    "service_url": "https://jumio-webhook.example.com",
    "ory_secret": "CHANGE_ME",
    "templates": "file:///etc/config/kratos/jsonnet",
}


def shipped(name: str) -> Path:
    """`jsonnet` or one of the files with actions: from the installed package's copies, else from a checkout."""
    for place in (PACKAGE / "_shipped", PACKAGE.parent):
        if (place / name).exists():
            return place / name
    raise FileNotFoundError(f"{name} is neither in {PACKAGE / '_shipped'} nor in {PACKAGE.parent}")


def actions(*, service_url: str, ory_secret: str, file: str = ACTIONS) -> str:
    """Our own ory-actions.yaml (or ory-actions-step-up.yaml), pointed at this service and the templates here."""
    return filled(shipped(file).read_text(), service_url=service_url, ory_secret=ory_secret)


def filled(text: str, *, service_url: str, ory_secret: str) -> str:
    """The same of a text with hooks, such as one of the documentation."""
    values = {
        "service_url": service_url.rstrip("/"),
        "ory_secret": ory_secret,
        "templates": shipped("jsonnet").as_uri(),
    }
    for name, placeholder in PLACEHOLDERS.items():
        if placeholder not in text:
            raise ValueError(f"it no longer contains {placeholder}")
        text = text.replace(placeholder, values[name])
    return text
