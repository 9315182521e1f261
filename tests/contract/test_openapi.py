# SPDX-License-Identifier: Apache-2.0
"""`openapi.yaml`: valid, and about the very routes, methods, version and constants of the application."""

import re
from pathlib import Path
from typing import Any

import pytest
import schemathesis
import yaml
from support import settings_of

from webhook import __version__, wiring
from webhook.core.settle import Result
from webhook.core.status import Status, Verdict
from webhook.ory.kratos.refusals import MALFORMED, MESSAGE_IDS, UNMET
from webhook.web import gate
from webhook.web.app import create_app

FILE = Path(__file__).parents[2] / "openapi.yaml"


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(FILE.read_text())
    return loaded


def test_the_file_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    assert document["openapi"].startswith("3.1")
    schema = schemathesis.openapi.from_dict(document)
    schema.validate()
    assert all(operation.ok() for operation in schema.get_all_operations())  # every reference leads somewhere


def test_the_validation_would_notice(document: dict[str, Any]) -> None:
    broken = {name: value for name, value in document.items() if name != "info"}
    with pytest.raises(Exception, match='"info" is a required property'):
        schemathesis.openapi.from_dict(broken).validate()


def test_it_has_the_routes_of_the_application_and_no_other(document: dict[str, Any]) -> None:
    served = {
        (re.sub(r"<(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in create_app(wiring.for_requests(settings_of())).url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    served.add((gate.PATH, "post"))  # answered in front of Flask
    described = {(path, method) for path, operations in document["paths"].items() for method in operations}
    assert described == served


def test_it_has_the_version_and_the_vocabulary_of_the_code(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    message = schemas["Interrupt"]["properties"]["messages"]["items"]["properties"]["messages"]["items"]["properties"]
    ids = {MALFORMED, *MESSAGE_IDS.values(), *(number for number, _ in UNMET.values())}
    assert document["info"]["version"] == __version__
    assert schemas["Status"]["enum"] == list(Status)
    assert schemas["PublicRecord"]["properties"]["verdict"]["enum"] == [*Verdict, None]
    assert schemas["Outcome"]["properties"]["result"]["enum"] == list(Result)
    assert (message["id"]["minimum"], message["id"]["maximum"]) == (min(ids), max(ids))


def test_every_operation_but_health_and_version_needs_a_secret(document: dict[str, Any]) -> None:
    open_ = {
        path for path, operations in document["paths"].items() for one in operations.values() if not one["security"]
    }
    assert open_ == {
        "/health",
        "/health/alive",
        "/health/ready",
        "/version",
        "/jumio/callback/{identity_id}/{token}",  # the path itself is the secret
        "/jumio/verify/{token}",  # and here too
    }
