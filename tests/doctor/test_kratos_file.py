# SPDX-License-Identifier: Apache-2.0
"""Reading and merging configuration files; what is wrong with one is named, what it holds is not shown."""

import json
from pathlib import Path
from typing import Any

import pytest

from webhook.commands.doctor.kratos_file import CannotRun, load


def refusal(path: Path, content: bytes | None = None) -> str:
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CannotRun) as caught:
        load([path])
    return str(caught.value).removeprefix(f"{path}: ")


def test_yaml_and_json_are_the_same(tmp_path: Path) -> None:
    document = {"selfservice": {"flows": {"login": {"after": {"hooks": [{"hook": "revoke_active_sessions"}]}}}}}
    (tmp_path / "tabs.json").write_text(json.dumps(document, indent="\t"))
    (tmp_path / "kratos.yml").write_text(
        "selfservice:\n  flows:\n    login:\n      after:\n        hooks:\n          - hook: revoke_active_sessions\n"
    )
    assert load([tmp_path / "tabs.json"]) == load([tmp_path / "kratos.yml"]) == document


def test_a_later_file_is_merged_and_its_lists_replace(tmp_path: Path) -> None:
    earlier: dict[str, Any] = {"selfservice": {"a": [1, 2], "b": {"c": 1}, "d": 1}, "dsn": "memory"}
    later: dict[str, Any] = {"selfservice": {"a": [3], "b": {"e": 2}, "d": {"f": 1}}}
    for name, document in (("1", earlier), ("2", later)):
        (tmp_path / name).write_text(json.dumps(document))
    assert load([tmp_path / "1", tmp_path / "2"]) == {
        "selfservice": {"a": [3], "b": {"c": 1, "e": 2}, "d": {"f": 1}},
        "dsn": "memory",
    }


def test_no_file(tmp_path: Path) -> None:
    assert refusal(tmp_path / "kratos.yml") == "No such file or directory"


def test_a_folder(tmp_path: Path) -> None:
    assert refusal(tmp_path) == "Is a directory"


@pytest.mark.parametrize(
    ("content", "cause"),
    [
        (b"\xff\xfe", "is not UTF-8 text"),
        (b"a: b: c", "is neither YAML nor JSON: line 1, column 5: mapping values are not allowed here"),
        (b"a:\n\t- b", "is neither YAML nor JSON: line 2, column 1: found character (...) that cannot start any token"),
        (b"value: *top-secret", "is neither YAML nor JSON: line 1, column 8: found undefined alias (...)"),
        (b"[a, b", "is neither YAML nor JSON: line 1, column 6: expected (...)"),
        (b"a\nb", "not a Kratos configuration, for it is not a mapping"),
        (b"a: \x07", "is neither YAML nor JSON: a character that YAML does not know"),
        (b"a: 2026-13-45", "is neither YAML nor JSON that can be read"),
        (b"[" * 100_000, "is neither YAML nor JSON that can be read"),
        (b"", "not a Kratos configuration, for it is not a mapping"),
        (b"- a", "not a Kratos configuration, for it is not a mapping"),
        (b"log: {}", "not a Kratos configuration, for it has no `selfservice`"),
        (b"selfservice: true", "not a Kratos configuration, for it has no `selfservice`"),
    ],
)
def test_what_is_no_configuration(tmp_path: Path, content: bytes, cause: str) -> None:
    shown = refusal(tmp_path / "kratos.yml", content)
    assert shown == cause
    assert "secret" not in shown
