# SPDX-License-Identifier: Apache-2.0
"""What is taken from a callback of Jumio's, and what is malformed."""

import json
from typing import Any

import pytest
from support import ACCOUNT, HOSTILE_BODIES, IDENTITY, WORKFLOW

from webhook.errors import Malformed
from webhook.idv.jumio.callback import Callback, parse_callback

# documentation.jumio.ai/docs/developer-resources/callback
CALLBACK: dict[str, Any] = {
    "callbackSentAt": "2021-01-21T14:55:01.917Z",
    "userReference": IDENTITY,
    "workflowExecution": {
        "id": WORKFLOW,
        "href": f"https://retrieval.apac-1.jumio.ai/api/v1/accounts/{ACCOUNT}/workflow-executions/{WORKFLOW}",
        "definitionKey": "3",
        "status": "PROCESSED",
    },
    "account": {"id": ACCOUNT, "href": f"https://retrieval.apac-1.jumio.ai/api/v1/accounts/{ACCOUNT}"},
}


@pytest.mark.parametrize(
    ("status", "is_final"),
    [
        ("PROCESSED", True),
        ("SESSION_EXPIRED", True),
        ("TOKEN_EXPIRED", True),
        ("INITIATED", False),
        ("ACQUIRED", False),
        ("ACQUISITION_STARTED", False),
        ("SOMETHING_NEW", False),
        ("", False),
    ],
)
def test_a_callback_says_which_workflow_and_whether_it_is_over(status: str, is_final: bool) -> None:
    body = {**CALLBACK, "workflowExecution": {**CALLBACK["workflowExecution"], "status": status}}
    told = parse_callback(json.dumps(body).encode())
    assert told == Callback(account_id=ACCOUNT, workflow_execution_id=WORKFLOW, is_final=is_final)


@pytest.mark.parametrize("name", ["workflowExecution", "account"])
@pytest.mark.parametrize("value", [None, "x", 1, [], [{}]])
def test_a_callback_with_a_member_of_another_type_is_malformed(name: str, value: object) -> None:
    with pytest.raises(Malformed, match="must be objects"):
        parse_callback(json.dumps({**CALLBACK, name: value}).encode())


@pytest.mark.parametrize("name", ["workflowExecution", "account"])
def test_a_callback_without_a_member_is_malformed(name: str) -> None:
    with pytest.raises(Malformed, match="must be objects"):
        parse_callback(json.dumps({key: value for key, value in CALLBACK.items() if key != name}).encode())


@pytest.mark.parametrize("status", [None, 1, True, [], {"a": 1}])
def test_a_callback_whose_status_is_no_string_is_malformed(status: object) -> None:
    body = {**CALLBACK, "workflowExecution": {**CALLBACK["workflowExecution"], "status": status}}
    with pytest.raises(Malformed, match="status must be a string"):
        parse_callback(json.dumps(body).encode())


@pytest.mark.parametrize("value", [None, 1, "", "..", "a/b", "a\n"], ids=repr)  # all of them: core/test_ids.py
@pytest.mark.parametrize(("name", "said"), [("account", "account.id"), ("workflowExecution", "workflowExecution.id")])
def test_a_callback_with_an_id_that_could_leave_its_path_segment_is_malformed(
    name: str, said: str, value: object
) -> None:
    with pytest.raises(Malformed, match=f"{said} is not an id"):
        parse_callback(json.dumps({**CALLBACK, name: {**CALLBACK[name], "id": value}}).encode())


@pytest.mark.parametrize("name", ["empty", "a list", "a duplicate key"])  # all of them: core/test_strict_json.py
def test_a_body_that_is_not_one_clean_json_object_is_malformed(name: str) -> None:
    with pytest.raises(Malformed):
        parse_callback(HOSTILE_BODIES[name])
