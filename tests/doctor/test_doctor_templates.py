# SPDX-License-Identifier: Apache-2.0
"""The templates of our hooks, as far as they can be read from here: clean, and spoiled in one way each."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from support import ORY_SECRET

from sandbox.shipped import STEP_UP, actions, shipped
from webhook.commands.doctor import templates
from webhook.commands.doctor.contexts import context
from webhook.commands.doctor.findings import Finding, Severity
from webhook.commands.doctor.jsonnet import Cancels, DoesNotParse, Fails, evaluate
from webhook.commands.doctor.library import Library, library_of

FLOWS = "selfservice.flows"
PLACES = {
    "login": f"{FLOWS}.login.after.password.hooks[0].config.body",
    "registration": f"{FLOWS}.registration.after.password.hooks[0].config.body",
    "recovery": f"{FLOWS}.recovery.after.hooks[0].config.body",
}
LOGIN = PLACES["login"]
WHOLE = "function(ctx) ctx"
# What every gate sends; %s is put in beside it.
GATE = """function(ctx)
  local metadata = std.get(ctx.identity, 'metadata_public');
  {
    identity: { id: ctx.identity.id, metadata_public: if std.isObject(metadata) then metadata else null },
    policy: { on_unmet: 'block' },
    %s
  }
"""
UNGUARDED = """function(ctx) {
  identity: { id: ctx.identity.id, metadata_public: { jumio: ctx.identity.metadata_public.jumio } },
}"""


def spoil(document: dict[str, Any], uri: object, flow: str = "login") -> None:
    after = document["selfservice"]["flows"][flow]["after"]
    after.get("password", after)["hooks"][0]["config"]["body"] = uri


def check(document: dict[str, Any], library: Library | None = None) -> list[Finding]:
    return templates.check(document, library or Library())


def found(document: dict[str, Any], uri: object, *, flow: str = "login", **library: Any) -> list[tuple[str, str]]:
    spoil(document, uri, flow)
    return [(finding.id, finding.where) for finding in check(document, Library(**library))]


def base64_of(source: str) -> str:
    return f"base64://{base64.b64encode(source.encode()).decode()}"


def test_our_own_templates(clean: dict[str, Any]) -> None:
    assert check(clean) == []
    assert templates.not_seen(clean, Library()) == []


def test_our_own_templates_for_step_up(clean: dict[str, Any]) -> None:
    import yaml

    text = actions(service_url="https://jumio-webhook.example.com", ory_secret=ORY_SECRET, file=STEP_UP)
    clean["selfservice"]["flows"] |= yaml.safe_load(text)["selfservice"]["flows"]
    assert check(clean) == []
    assert templates.not_seen(clean, Library()) == []


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
        assert found(clean, uri) == [("template-passes-whole-ctx", LOGIN)]


@pytest.mark.parametrize(
    "source",
    [
        GATE % "",
        "function(ctx) { identity: ctx.identity }",
        "// function(ctx) ctx\n" + GATE % "flow: { id: ctx.flow.id }",
        GATE % "role: ctx.identity.traits.role, team: ctx.identity.traits.team",
        "function(ctx) { identity: ctx.session.identity { traits:: {} } }",
    ],
)
def test_a_template_that_does_its_work(clean: dict[str, Any], source: str) -> None:
    assert found(clean, base64_of(source)) == []


MISTAKES: dict[str, tuple[str, str, list[str]]] = {
    # --- at a sign-in ---
    "it does not parse": ("login", "function(ctx) {", ["template-does-not-parse"]),
    "it is empty": ("login", "", ["template-does-not-parse"]),
    "it is no Jsonnet but YAML": ("login", "identity:\n  id: ctx\n", ["template-does-not-parse"]),
    "a name nobody has defined": ("login", GATE % "flow: flow_id", ["template-does-not-parse"]),
    "null metadata": ("login", UNGUARDED, ["template-fails-on-null"]),
    "metadata without a record": (
        "login",
        GATE % "status: if metadata == null then null else metadata.jumio.status",
        ["template-fails-on-null"],
    ),
    "what never is there": ("login", GATE % "admin: ctx.identity.metadata_admin", ["template-fails"]),
    "what it reads is no trait": ("login", GATE % "secret: ctx.flow.secret", ["template-fails"]),
    "endless traits": (
        "login",
        GATE % ", ".join(f"t{number}: ctx.identity.traits.t{number}" for number in range(30)),
        ["template-fails"],
    ),
    "an import": ("login", "local shared = import 'shared.libsonnet';" + GATE % "shared: shared", ["template-fails"]),
    "an error of its own": ("login", "function(ctx) error 'no'", ["template-fails"]),
    "that of a session token": (
        "login",
        (shipped("jsonnet") / "session-token.jsonnet").read_text(),
        ["template-fails"],
    ),
    "it cancels": ("login", "function(ctx) error 'cancel'", ["template-cancels"]),
    "it cancels in other words": ("login", "function(ctx) error 'cancelled for today'", ["template-cancels"]),
    "it cancels for whoever has no record": (
        "login",
        GATE % "assert ctx.identity.metadata_public != null : 'cancel'",
        ["template-cancels"],
    ),
    "initiate's": ("login", (shipped("jsonnet") / "initiate.jsonnet").read_text(), ["template-of-another-hook"]),
    "a list": ("login", "function(ctx) [ctx.identity.id]", ["template-of-another-hook"]),
    "what is no function": ("login", "{ identity: {} }", ["template-of-another-hook"]),
    "the flow's id": (
        "login",
        "function(ctx) { identity: { id: ctx.flow.id, metadata_public: ctx.identity.metadata_public } }",
        ["template-of-another-person"],
    ),
    "no record": (
        "login",
        "function(ctx) { identity: { id: ctx.identity.id, metadata_public: null } }",
        ["template-hides-record"],
    ),
    "cookies": ("login", GATE % "cookies: ctx.request_cookies", ["template-sends-cookies"]),
    "one cookie": (
        "login", GATE % "session: ctx.request_cookies.ory_kratos_session", ["template-sends-cookies"],
    ),
    "another cookie": ("login", GATE % "cookie: std.get(ctx.request_cookies, 'c')", ["template-sends-cookies"]),
    "headers": ("login", GATE % "headers: ctx.request_headers", ["template-sends-headers"]),
    "one header": ("login", GATE % "browser: ctx.request_headers['User-Agent'][0]", ["template-sends-headers"]),
    "both": (
        "login", GATE % "headers: ctx.request_headers, cookies: ctx.request_cookies",
        ["template-sends-cookies", "template-sends-headers"],
    ),
    "what the person sends along": ("login", GATE % "flow: ctx.flow", ["template-takes-transient-payload"]),
    "one member of it": (
        "login", GATE % "level: std.get(ctx.flow.transient_payload, 'level')", ["template-takes-transient-payload"],
    ),
    # --- at a sign-up ---
    "initiate does not parse": ("registration", "function(ctx) {", ["template-does-not-parse"]),
    "initiate fails": ("registration", "function(ctx) { identity: ctx.session.identity }", ["template-fails"]),
    "initiate fails on null": (
        "registration",
        "function(ctx) { identity: { id: ctx.identity.id }, status: ctx.identity.metadata_public.jumio }",
        ["template-fails-on-null"],
    ),
    "initiate cancels": ("registration", "function(ctx) error 'cancel'", ["template-cancels"]),
    "initiate names nobody": ("registration", "function(ctx) { id: ctx.identity.id }", ["template-of-another-hook"]),
    "a gate's": (
        "registration", (shipped("jsonnet") / "validate.jsonnet").read_text(), ["template-of-another-hook"],
    ),
    # --- at a recovery ---
    "validate's": ("recovery", (shipped("jsonnet") / "validate.jsonnet").read_text(), ["recovery-shows-link"]),
    "a session, which a recovery has not": (
        "recovery", "function(ctx) { identity: ctx.session.identity, policy: {} }", ["template-fails"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", MISTAKES)
def test_each_mistake_by_its_name_and_place(clean: dict[str, Any], name: str) -> None:
    flow, source, expected = MISTAKES[name]
    assert found(clean, base64_of(source), flow=flow) == [(each, PLACES[flow]) for each in expected]
    for finding in check(clean):
        assert finding.what
        assert finding.remedy


def test_what_may_be_meant_so_is_a_warning(clean: dict[str, Any]) -> None:
    for flow, name in (("registration", "a gate's"), ("recovery", "validate's"), ("login", "headers")):
        spoil(clean, base64_of(MISTAKES[name][1]), flow)
    assert {finding.severity for finding in check(clean)} == {Severity.WARNING}


def test_before_a_flow_nobody_is_known_whom_a_template_could_name(clean: dict[str, Any]) -> None:
    hook = clean["selfservice"]["flows"]["login"]["after"]["password"]["hooks"][0]
    hook["config"]["body"] = base64_of("function(ctx) { flow: { id: ctx.flow.id } }")
    clean["selfservice"]["flows"] = {"login": {"before": {"hooks": [hook]}}}
    assert check(clean) == []


def test_no_text_of_a_template_is_shown(clean: dict[str, Any]) -> None:
    for source in ("function(ctx) 'a-secret' {", "function(ctx) ctx['a-secret' 'x']", "function(ctx) { 'a-secret'() }"):
        spoil(clean, base64_of(source))
        [finding] = check(clean)
        assert "a-secret" not in repr(finding)


# --- evaluating ---


@pytest.mark.parametrize(
    ("source", "kind"),
    [
        ("function(ctx) {", DoesNotParse),
        ("function(ctx) error 'cancel'", Cancels),
        ("function(ctx) ctx.nothing", Fails),
        ("local f(n) = 1 + f(n); function(ctx) f(1)", Fails),
        ("function(ctx) importstr '/etc/hostname'", Fails),
    ],
)
def test_what_gives_no_body(source: str, kind: type[Fails]) -> None:
    with pytest.raises(Fails) as raised:
        evaluate(source, {})
    assert type(raised.value) is kind
    assert "\n" not in str(raised.value)


RECORDED = Path(__file__).parents[1] / "stand_ins" / "contexts"


@pytest.mark.parametrize("file", sorted(RECORDED.glob("*.json")), ids=lambda file: file.stem)
def test_contexts_have_what_kratos_sends(file: Path) -> None:
    """Else a template that reads some of it would be said to fail."""
    recorded = json.loads(file.read_text())
    made = context(file.stem.partition("-")[0], "after")
    assert set(made) == set(recorded)
    for name in ("flow", "identity", "session"):
        assert set(recorded.get(name, {})) <= set(made.get(name, {}))


# --- finding the file ---


def test_what_is_not_base64(clean: dict[str, Any]) -> None:
    assert found(clean, "base64://function(ctx) ctx") == [("template-unreadable", LOGIN)]


def test_no_file_in_a_folder_of_this_machine(clean: dict[str, Any], tmp_path: Path) -> None:
    for uri in ((tmp_path / "validate.jsonnet").as_uri(), str(tmp_path / "validate.jsonnet")):
        assert found(clean, uri) == [("template-unreadable", LOGIN)]


MISSING = "file:///no/such/folder/here/validate.jsonnet"


def test_no_file_where_others_of_the_same_configuration_are(clean: dict[str, Any], tmp_path: Path) -> None:
    """The others' templates are here: this is Kratos' own machine."""
    spoil(clean, MISSING)
    library = library_of(clean, files=[tmp_path / "kratos.yml"], copies=None)
    assert [(finding.id, finding.where) for finding in check(clean, library)] == [("template-unreadable", LOGIN)]


@pytest.mark.parametrize(
    "uri",
    [MISSING, "file://./validate.jsonnet", "validate.jsonnet", "file://jsonnet/validate.jsonnet",
     "https://www.example.com/validate.jsonnet"],
)  # fmt: skip
def test_what_cannot_be_told_from_here_is_told_to_be_unknown(clean: dict[str, Any], uri: str) -> None:
    assert found(clean, uri) == []
    assert templates.not_seen(clean, Library()) == [uri]


@pytest.mark.parametrize("uri", [None, ""])
def test_a_template_that_is_not_even_named(clean: dict[str, Any], uri: object) -> None:
    """`body-missing` says so."""
    assert found(clean, uri) == []
    assert templates.not_seen(clean, Library()) == []


@pytest.mark.parametrize("uri", ["file://./templates/x.jsonnet", "file://templates/x.jsonnet", "templates/x.jsonnet"])
def test_a_relative_path_starts_where_the_configuration_lies(clean: dict[str, Any], tmp_path: Path, uri: str) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "templates" / "x.jsonnet").write_text(WHOLE)
    spoil(clean, uri)
    library = library_of(clean, files=[tmp_path / "kratos.yml"], copies=None)
    assert [finding.id for finding in check(clean, library)] == ["template-passes-whole-ctx"]


def test_copies_stand_for_files_of_elsewhere(clean: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "validate.jsonnet").write_text(WHOLE)
    for name in ("initiate", "recovery", "validate"):
        (tmp_path / f"{name}.jsonnet").write_text((shipped("jsonnet") / f"{name}.jsonnet").read_text())
    assert found(clean, MISSING, copies=tmp_path) == []
    assert templates.not_seen(clean, Library(copies=tmp_path)) == []
    assert found(clean, MISSING.replace("validate", "validat"), copies=tmp_path) == [("template-unreadable", LOGIN)]


def test_what_cannot_be_read_at_all_is_not_unknown(clean: dict[str, Any]) -> None:
    spoil(clean, "base64://%")
    assert templates.not_seen(clean, Library()) == []


def test_a_file_that_only_kratos_may_read(
    clean: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "validate.jsonnet"
    file.write_text(WHOLE)

    def refuse(*_: object, **__: object) -> str:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_text", refuse)  # a mode would not keep root out
    assert found(clean, file.as_uri()) == []
    monkeypatch.setattr(Path, "is_file", refuse)
    assert found(clean, file.as_uri()) == []
