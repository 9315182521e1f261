# SPDX-License-Identifier: Apache-2.0
"""Jumio's callback: which workflow to look at, never what it says of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from webhook.core.ids import usable_vendor_id
from webhook.core.strict_json import parse_json_object
from webhook.errors import Malformed
from webhook.idv.jumio.words import is_final


@dataclass(frozen=True, kw_only=True)
class Callback:
    """What is taken from a Jumio callback: which workflow to look at, never what it says of it."""

    account_id: str
    workflow_execution_id: str
    is_final: bool


def parse_callback(body: bytes) -> Callback:
    """What a Jumio callback tells. Shape: https://documentation.jumio.ai/docs/developer-resources/callback"""
    parsed = parse_json_object(body)
    workflow = parsed.get("workflowExecution")
    account = parsed.get("account")
    if not isinstance(workflow, dict) or not isinstance(account, dict):
        raise Malformed("workflowExecution and account must be objects")
    status = workflow.get("status")
    if not isinstance(status, str):
        raise Malformed("workflowExecution.status must be a string")
    return Callback(
        account_id=_jumio_id(account, "account.id"),
        workflow_execution_id=_jumio_id(workflow, "workflowExecution.id"),
        is_final=is_final(status),
    )


def _jumio_id(parsed: Mapping[str, Any], name: str) -> str:
    value = usable_vendor_id(parsed.get("id"))
    if value is None:
        raise Malformed(f"{name} is not an id")
    return value
