# SPDX-License-Identifier: Apache-2.0
"""By construction: no secret is compared with an operator that stops at the first difference."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import webhook

PACKAGE = Path(webhook.__file__).parent
GUARDED = [
    PACKAGE / "core" / "signing.py",
    *(PACKAGE / "web" / name for name in ("incoming.py", "hooks.py", "gate.py", "callbacks.py", "health.py")),
    PACKAGE / "verification" / "links.py",
    PACKAGE / "web" / "pages" / "routes.py",
]
SECRET_NAME = re.compile(
    r"secret|signature|token|capability|digest|hmac|mac$|given|credential|authorization|api_key", re.I
)
STOPS_EARLY = (ast.Eq, ast.NotEq, ast.In, ast.NotIn, ast.Is, ast.IsNot)
STOPPING_METHODS = {
    "startswith",
    "endswith",
    "find",
    "index",
    "rfind",
    "count",
    "__eq__",
    "__contains__",
    "removeprefix",
}


def names_in(node: ast.AST) -> Iterator[str]:
    for part in ast.walk(node):
        match part:
            case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
                yield name
            case ast.Constant(value=str(text)):
                yield text


def touches_a_secret(node: ast.AST) -> bool:
    return any(SECRET_NAME.search(name) for name in names_in(node))


def is_allowed(node: ast.Compare) -> bool:
    """`x is None`, and lengths against constants: neither depends on what the secret says."""
    for operator, right in zip(node.ops, node.comparators, strict=True):
        none = isinstance(operator, ast.Is | ast.IsNot) and isinstance(right, ast.Constant) and right.value is None
        if not none:
            return False
    return True


def early_comparisons(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        match node:
            case ast.Compare(ops=operators) if any(isinstance(one, STOPS_EARLY) for one in operators):
                if touches_a_secret(node) and not is_allowed(node):
                    found.append(ast.unparse(node))
            case ast.Call(func=ast.Attribute(value=value, attr=method)) if method in STOPPING_METHODS:
                if touches_a_secret(value):
                    found.append(ast.unparse(node))
            case ast.Match(subject=subject) if touches_a_secret(subject):
                found.append(f"match {ast.unparse(subject)}")
    return found


@pytest.mark.parametrize("path", GUARDED, ids=lambda path: path.name)
def test_nothing_secret_is_compared_by_an_operator(path: Path) -> None:
    assert early_comparisons(ast.parse(path.read_text())) == []


@pytest.mark.parametrize(
    "source",
    [
        "given == secret",
        "signature != expected",
        "token in tokens",
        "given not in settings.ory_webhook_secrets",
        "request.headers['X-Webhook-Secret'] == x",
        "a == expected(secret)",
        "token.startswith(x)",
        "mac.finalize() is other",
        "match token:\n    case 'x':\n        pass",
    ],
)
def test_the_search_would_find(source: str) -> None:
    assert early_comparisons(ast.parse(source))


def test_comparisons_are_left_to_the_cryptography_library() -> None:
    tree = ast.parse(GUARDED[0].read_text())
    imported = {
        f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    called = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert {
        "cryptography.hazmat.primitives.constant_time",
        "cryptography.hazmat.primitives.hmac.HMAC",
    } <= imported
    assert {"constant_time.bytes_eq", "mac.verify"} <= called


def test_the_routes_only_ask_the_secrets_module() -> None:
    trees = [ast.parse(path.read_text()) for path in GUARDED[1:]]
    called = {ast.unparse(node.func) for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert {"is_known_secret", "verify_signature", "verify_capability"} <= called


def test_no_module_compares_a_secret_of_the_settings() -> None:
    secret = {"ory_webhook_secrets", "callback_secrets", "client_secret", "api_key"}
    for path in sorted(PACKAGE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Compare):
                attributes = {part.attr for part in ast.walk(node) if isinstance(part, ast.Attribute)}
                assert not attributes & secret, f"{path}: {ast.unparse(node)}"
