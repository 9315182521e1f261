# SPDX-License-Identifier: Apache-2.0
"""The templates of our hooks, as far as they can be read from here."""

import base64
from pathlib import Path
from typing import Any

import pytest

from webhook.commands.doctor import templates

BODY = "selfservice.flows.login.after.password.hooks[0].config.body"
WHOLE = "function(ctx) ctx"


def found(clean: dict[str, Any], uri: object) -> list[tuple[str, str]]:
    clean["selfservice"]["flows"]["login"]["after"]["password"]["hooks"][0]["config"]["body"] = uri
    return [(finding.id, finding.where) for finding in templates.check(clean)]


def base64_of(source: str) -> str:
    return f"base64://{base64.b64encode(source.encode()).decode()}"


def test_our_own_templates(clean: dict[str, Any]) -> None:
    assert templates.check(clean) == []


@pytest.mark.parametrize(
    "source",
    [
        WHOLE,
        "// everything\nfunction(ctx) ctx\n",
        "/* a\nb */ function ( ctx )\n  (ctx) # all of it",
        "function(ctx) { ctx: ctx }",
        "function(ctx) { identity: ctx.identity, everything: ctx, }",
    ],
)
def test_a_template_that_passes_everything_on(clean: dict[str, Any], source: str, tmp_path: Path) -> None:
    file = tmp_path / "body of a hook.jsonnet"
    file.write_text(source)
    for uri in (base64_of(source), file.as_uri(), str(file)):
        assert found(clean, uri) == [("template-passes-whole-ctx", BODY)]


@pytest.mark.parametrize(
    "source",
    ["function(ctx) ctx.identity", "function(ctx) { identity: ctx.identity }", "function(ctx) { id: ctx['identity'] }",
     "// function(ctx) ctx\nfunction(ctx) { flow: { id: ctx.flow.id } }", ""],
)  # fmt: skip
def test_a_template_that_does_not(clean: dict[str, Any], source: str) -> None:
    assert found(clean, base64_of(source)) == []


def test_what_is_not_base64(clean: dict[str, Any]) -> None:
    assert found(clean, "base64://function(ctx) ctx") == [("template-unreadable", BODY)]


def test_no_file_in_a_folder_of_this_machine(clean: dict[str, Any], tmp_path: Path) -> None:
    assert found(clean, (tmp_path / "validate.jsonnet").as_uri()) == [("template-unreadable", BODY)]


@pytest.mark.parametrize(
    "uri",
    ["file:///no/such/folder/here/validate.jsonnet", "file://./validate.jsonnet", "validate.jsonnet", None, 7,
     "https://www.example.com/validate.jsonnet"],
)  # fmt: skip
def test_what_cannot_be_told_from_here(clean: dict[str, Any], uri: object) -> None:
    assert found(clean, uri) == []


def test_a_file_that_only_kratos_may_read(
    clean: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "validate.jsonnet"
    file.write_text(WHOLE)

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)  # a mode would not keep root out
    assert found(clean, file.as_uri()) == []
