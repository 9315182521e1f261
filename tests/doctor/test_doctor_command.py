# SPDX-License-Identifier: Apache-2.0
"""`jumio-webhook doctor` from the outside: exit status, what it prints, and what it must never print."""

import base64
import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from support import API_KEY, CALLBACK_SECRET, CLIENT_SECRET, OLD_CALLBACK_SECRET, OLD_ORY_SECRET, ORY_SECRET, REQUIRED

from doctor.certificates import Authority
from sandbox import faults
from sandbox.faults import Fault
from sandbox.jumio import JumioStandIn
from sandbox.kratos import KratosStandIn
from sandbox.kratos_configuration import IDENTITY_SCHEMA
from sandbox.server import free_port
from sandbox.shipped import STEP_UP, actions, shipped
from webhook.cli import main
from webhook.idv.jumio import hosts

SECRETS = (ORY_SECRET, OLD_ORY_SECRET, CALLBACK_SECRET, OLD_CALLBACK_SECRET, CLIENT_SECRET, API_KEY)

Doctor = Callable[..., tuple[int, dict[str, str]]]


@pytest.fixture
def environment(jumio: JumioStandIn, kratos: KratosStandIn) -> dict[str, str]:
    """Settings without fault, for peers on loopback."""
    return {
        **REQUIRED,
        "KRATOS_ADMIN_URL": kratos.admin_url,
        "JUMIO_AUTH_URL": jumio.auth_url,
        "JUMIO_API_BASE_URL": jumio.api_base_url,
        "PUBLIC_URL": "http://127.0.0.1:3000",
        "BLOCK_LOGIN_STATUSES": "rejected",
    }


@pytest.fixture
def doctor(
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Doctor:
    """Runs it with `--json`; gives the exit status and the places by id."""

    def run(*arguments: str, **changed: str) -> tuple[int, dict[str, str]]:
        monkeypatch.chdir(tmp_path)  # no stray .env
        for name, value in {**environment, **changed}.items():
            monkeypatch.setenv(name, value)
        status = main(["doctor", "--json", *arguments])
        printed = capsys.readouterr().out
        assert not any(secret in printed for secret in SECRETS)
        return status, {finding["id"]: finding["where"] for finding in json.loads(printed)["findings"]}

    return run


def test_nothing_found(doctor: Doctor) -> None:
    assert doctor() == (0, {})


def test_nothing_found_in_our_own_configuration(doctor: Doctor, kratos_files: list[Path]) -> None:
    assert doctor(*(f"--kratos-config={file}" for file in kratos_files)) == (0, {})


def test_a_trap_in_the_configuration(doctor: Doctor, kratos_files: list[Path]) -> None:
    assert doctor("--kratos-config", str(kratos_files[0])) == (
        1,
        {
            "method-without-initiate": "selfservice.flows.registration.after.password.hooks",
            "method-without-gate": "selfservice.flows.login.after.password.hooks",
        },
    )


def test_the_shipped_files_are_clean_beside_each_other(
    doctor: Doctor, kratos_files: list[Path], service_url: str
) -> None:
    kratos_files.append(kratos_files[0].with_name(STEP_UP))
    kratos_files[-1].write_text(actions(service_url=service_url, ory_secret=ORY_SECRET, file=STEP_UP))
    methods = {name: {"enabled": True} for name in ("totp", "lookup_secret", "passkey", "oidc", "webauthn")}
    kratos = yaml.safe_load(kratos_files[0].read_text())
    kratos["selfservice"] |= {"methods": methods, "flows": {"recovery": {"enabled": True}}}
    kratos_files[0].write_text(yaml.safe_dump(kratos))
    assert doctor(*(f"--kratos-config={file}" for file in kratos_files)) == (0, {})


# --- a mistake of each kind that is seen by the whole command alone ---

ONE_MISTAKE: dict[str, tuple[Callable[[str], str], str]] = {
    "a template that is not there": (
        lambda text: text.replace("/validate.jsonnet", "/validat.jsonnet"), "template-unreadable",
    ),
    "another hook's template": (
        lambda text: text.replace("/validate.jsonnet", "/initiate.jsonnet"), "template-of-another-hook",
    ),
    "a recovery that starts": (
        lambda text: text.replace("/recovery.jsonnet", "/step-up.jsonnet"), "recovery-starts",
    ),
    "a hook where nobody listens": (
        lambda text: re.sub(r":\d+/jumio/initiate", f":{free_port()}/jumio/initiate", text),
        "hook-url-unreachable",
    ),
    "a private hook that Kratos may not call": (
        lambda text: f"{text}\nclients: {{http: {{disallow_private_ip_ranges: true}}}}\n", "private-hook-disallowed",
    ),
    "a trait without end": (
        lambda text: f"{text}\nidentity: {{schemas: [{{id: default, url: '{SCHEMA}'}}]}}\n", "trait-unbounded",
    ),
}  # fmt: skip
SCHEMA = "base64://" + base64.b64encode(b'{"properties": {"traits": {"type": "string"}}}').decode()


@pytest.mark.parametrize("name", ONE_MISTAKE)
def test_a_mistake_is_found_and_nothing_else(doctor: Doctor, kratos_files: list[Path], name: str) -> None:
    spoil, expected = ONE_MISTAKE[name]
    kratos_files[1].write_text(spoil(kratos_files[1].read_text()))
    _, findings = doctor(*(f"--kratos-config={file}" for file in kratos_files))
    assert list(findings) == [expected]


# --- what the status says ---


def test_warnings_alone_are_no_failure_unless_they_are_to_be(doctor: Doctor) -> None:
    assert doctor(PUBLIC_URL="") == (0, {"public-url-unset": "PUBLIC_URL"})
    assert doctor("--strict", PUBLIC_URL="") == (1, {"public-url-unset": "PUBLIC_URL"})
    assert doctor("--strict", PUBLIC_URL="http://127.0.0.1:3000") == (0, {})


def test_names_that_nobody_compares_are_no_failure_and_pointers_that_find_none_are(
    doctor: Doctor, kratos_files: list[Path], capsys: pytest.CaptureFixture[str]
) -> None:
    url = "base64://" + base64.b64encode(json.dumps(IDENTITY_SCHEMA).encode()).decode()
    kratos_files.append(kratos_files[0].with_name("identity.yml"))
    kratos_files[-1].write_text(json.dumps({"identity": {"schemas": [{"id": "default", "url": url}]}}))
    files, where = [f"--kratos-config={file}" for file in kratos_files], "identity.schemas[0].url"
    assert doctor(*files) == (0, {"traits-not-compared": where})
    assert main(["doctor", *files]) == 0
    line = "given_name=/name/first,family_name=/name/last,birthdate=/birthdate"
    assert f"IDENTITY_TRAITS={line}\n" in capsys.readouterr().out, "to be copied"
    assert doctor(*files, IDENTITY_TRAITS=line) == (0, {})
    assert doctor(*files, IDENTITY_TRAITS="full_name=/name") == (1, {"trait-pointer-nowhere": where})


def test_a_misspelt_setting(doctor: Doctor, tmp_path: Path) -> None:
    (tmp_path / ".env").write_text("BLOCK_LOGIN_STATUS=rejected,review\n")
    assert doctor(BLOCK_LOGIN_STATUSES="") == (0, {"setting-misspelt": "BLOCK_LOGIN_STATUS"})


def test_a_misspelt_setting_that_is_needed(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    environment["KRATOS_ADMIN_URI"] = environment.pop("KRATOS_ADMIN_URL")
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["doctor"]) == 2
    printed = capsys.readouterr().err
    assert "KRATOS_ADMIN_URL is missing" in printed
    assert "KRATOS_ADMIN_URI is set and nobody reads it: did you mean KRATOS_ADMIN_URL?" in printed


# --- what was not checked ---


def test_what_was_not_checked_is_told_with_its_reason(
    doctor: Doctor, kratos_files: list[Path], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert doctor() == (0, {})  # for its environment
    main(["doctor", "--json"])
    assert json.loads(capsys.readouterr().out)["not_checked"] == {
        "kratos-config": "no --kratos-config FILE",
        "certificate": "PUBLIC_URL is not set, or not https",
    }
    elsewhere = shipped("ory-actions.yaml").read_text().replace("CHANGE_ME", ORY_SECRET)
    kratos_files[1].write_text(
        elsewhere.replace("https://jumio-webhook.example.com", "http://no-such-host.internal:3000")
    )
    arguments = ["doctor", "--json", *(f"--kratos-config={file}" for file in kratos_files)]
    assert main(arguments) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["findings"] == []
    unseen = "is not on this machine; --templates DIR looks at copies"
    assert told["not_checked"] == {
        **{
            f"template file:///etc/config/kratos/jsonnet/{name}.jsonnet": unseen
            for name in ("initiate", "validate", "recovery")
        },
        "identity schema file:///etc/config/kratos/identity.schema.json": "is not on this machine",
        "hook-url no-such-host.internal": "its name is not known here, as that of a private network",
        "kratos-environment": "variables that override Kratos' files are not seen from here",
        "certificate": "PUBLIC_URL is not set, or not https",
    }
    main([*arguments, f"--templates={shipped('jsonnet')}"])
    assert not [what for what in json.loads(capsys.readouterr().out)["not_checked"] if what.startswith("template")]
    assert main([*arguments, f"--templates={tmp_path}"]) == 1


def test_a_shared_hook_is_told_once_with_all_its_places(doctor: Doctor, kratos_files: list[Path]) -> None:
    kratos_files[1].write_text(kratos_files[1].read_text().replace("can_interrupt: true", "can_interrupt: false", 1))
    status, findings = doctor("--kratos-config", str(kratos_files[1]))
    assert status == 1
    assert findings == {"gate-cannot-interrupt": "selfservice.flows.login.after.password.hooks[0].config.can_interrupt"}


@pytest.mark.parametrize(
    ("changed", "problem"),
    [({"KRATOS_ADMIN_URL": ""}, "KRATOS_ADMIN_URL is missing"), ({"PORT": "http"}, "PORT is not a number")],
)
def test_settings_that_do_not_do(
    doctor: Doctor, capsys: pytest.CaptureFixture[str], changed: dict[str, str], problem: str,
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for name, value in {**environment, **changed}.items():
        monkeypatch.setenv(name, value)
    assert main(["doctor"]) == 2
    assert problem in capsys.readouterr().err


def test_a_configuration_that_cannot_be_read(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    assert main(["doctor", "--kratos-config", "none.yml"]) == 2
    printed = capsys.readouterr()
    assert printed.err == "jumio-webhook doctor cannot run: none.yml: No such file or directory\n"
    assert printed.out == ""


def test_settings_are_checked(doctor: Doctor) -> None:
    assert doctor(ON_REJECTED="block", BLOCK_LOGIN_STATUSES="approved,rejected") == (
        1,
        {"approved-blocked": "BLOCK_LOGIN_STATUSES"},
    )


def test_kratos_is_out_of_reach(doctor: Doctor) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    assert doctor(KRATOS_ADMIN_URL=url) == (1, {"kratos-unreachable": "KRATOS_ADMIN_URL"})


def test_kratos_wants_a_key(doctor: Doctor, kratos: KratosStandIn) -> None:
    kratos.api_key = API_KEY
    assert doctor() == (1, {"kratos-refused": "ORY_API_KEY"})
    assert doctor(ORY_API_KEY=API_KEY) == (0, {})


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (faults.answer(403), "kratos-refused"),
        (faults.answer(404), "kratos-not-kratos"),
        (faults.answer(405), "kratos-not-kratos"),
        (faults.answer(500), "kratos-unreachable"),
        (faults.answer(429), "kratos-unreachable"),
        (faults.reset(), "kratos-unreachable"),
        (faults.redirect("http://127.0.0.1:1/"), "kratos-not-kratos"),
        (faults.garbage(), "kratos-not-kratos"),
        (faults.answer(200, b"<html>Welcome</html>"), "kratos-not-kratos"),
        (faults.answer(200, b'{"status": "ok"}'), "kratos-not-kratos"),
        (faults.answer(200, b'[{"id": 1}]'), "kratos-not-kratos"),
        (faults.oversize(), "kratos-not-kratos"),
    ],
)
def test_kratos_answers_oddly(doctor: Doctor, kratos: KratosStandIn, fault: Fault, found: str) -> None:
    kratos.server.faults = lambda request: fault
    status, findings = doctor()
    assert (status, list(findings)) == (1, [found])


def test_kratos_is_asked_for_one_identity_only(doctor: Doctor, kratos: KratosStandIn) -> None:
    doctor()
    [asked] = [request for request in kratos.server.requests if request.path.endswith("/identities")]
    assert asked.query == "page_size=1"


def test_jumio_is_out_of_reach(doctor: Doctor) -> None:
    url = f"http://127.0.0.1:{free_port()}/oauth2/token"
    assert doctor(JUMIO_AUTH_URL=url) == (1, {"jumio-unreachable": "JUMIO_AUTH_URL"})


def test_jumio_does_not_know_the_client(doctor: Doctor) -> None:
    status, findings = doctor(JUMIO_CLIENT_ID="somebody-else")
    assert (status, findings) == (1, {"jumio-refused": "JUMIO_CLIENT_ID, JUMIO_CLIENT_SECRET"})


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (faults.answer(429), "jumio-rate-limited"),
        (faults.answer(403), "jumio-refused"),
        (faults.answer(503), "jumio-unreachable"),
        (faults.garbage(), "jumio-unreachable"),
    ],
)
def test_jumio_answers_oddly(doctor: Doctor, jumio: JumioStandIn, fault: Fault, found: str) -> None:
    jumio.server.faults = lambda request: fault
    status, findings = doctor()
    assert (status, list(findings)) == (1, [found])


def test_what_is_not_asked_without_a_token_is_told(
    doctor: Doctor, jumio: JumioStandIn, capsys: pytest.CaptureFixture[str]
) -> None:
    jumio.server.faults = lambda request: faults.answer(503)
    assert doctor() == (1, {"jumio-unreachable": "JUMIO_AUTH_URL"})
    assert main(["doctor"]) == 1
    assert "not checked: jumio-api (there is no token to ask it with)" in capsys.readouterr().out


def test_the_api_is_out_of_reach(doctor: Doctor) -> None:
    url = f"http://127.0.0.1:{free_port()}/api/v1"
    assert doctor(JUMIO_API_BASE_URL=url) == (1, {"jumio-api-unreachable": "JUMIO_API_BASE_URL"})


def test_the_api_has_another_path(doctor: Doctor, jumio: JumioStandIn) -> None:
    url = jumio.api_base_url.removesuffix("/api/v1")
    assert doctor(JUMIO_API_BASE_URL=url) == (1, {"jumio-api-path": "JUMIO_API_BASE_URL"})


@pytest.mark.parametrize(
    ("fault", "found"),
    [
        (faults.answer(429), "jumio-rate-limited"),
        (faults.answer(401), "jumio-api-refused"),
        (faults.answer(403), "jumio-api-refused"),
        (faults.answer(503), "jumio-api-unreachable"),
        (faults.answer(200, b"<html>Welcome</html>"), "jumio-api-unreachable"),
        (faults.reset(), "jumio-api-unreachable"),
    ],
)
def test_the_api_answers_oddly(doctor: Doctor, jumio: JumioStandIn, fault: Fault, found: str) -> None:
    jumio.server.faults = lambda request: None if request.path.startswith("/oauth2") else fault
    assert doctor() == (1, {found: "JUMIO_API_BASE_URL"})


def test_each_of_the_api_s_hosts_is_looked_for(
    doctor: Doctor, jumio: JumioStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Jumio's own: what is read comes from another host than what is started."""
    nobody = f"http://127.0.0.1:{free_port()}/api/v1"
    real = hosts.base_url_for
    monkeypatch.setattr(
        "webhook.idv.jumio.client.base_url_for",
        lambda purpose, url: nobody if purpose == "account" else real(purpose, url),
    )
    assert doctor() == (1, {"jumio-api-unreachable": "JUMIO_API_BASE_URL"})


def test_nothing_is_started_or_written(doctor: Doctor, jumio: JumioStandIn, kratos: KratosStandIn) -> None:
    doctor()
    token, read = [(request.method, request.path) for request in jumio.server.requests]
    assert token == ("POST", "/oauth2/token")
    assert re.fullmatch(r"GET /api/v1/accounts/[0-9a-f-]{36}/workflow-executions/[0-9a-f-]{36}", " ".join(read))
    assert {request.method for request in kratos.server.requests} == {"GET"}


def test_the_certificate_is_checked(
    doctor: Doctor, authority: Authority, serve_tls: Callable[..., str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = serve_tls(authority.issue(tmp_path, kind="rsa"))
    assert doctor(PUBLIC_URL=url) == (1, {"certificate-invalid": "PUBLIC_URL"})
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.file))
    assert doctor(PUBLIC_URL=url) == (0, {})


def text_of(
    arguments: list[str], environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> str:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    main(["doctor", *arguments])
    return capsys.readouterr().out


def test_what_a_person_reads_when_all_is_well(
    environment: dict[str, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert text_of([], environment, monkeypatch, tmp_path, capsys) == (
        "Nothing found.\n"
        "\n"
        "checked: settings, kratos, jumio\n"
        "not checked: kratos-config (no --kratos-config FILE)\n"
        "not checked: certificate (PUBLIC_URL is not set, or not https)\n"
    )


def test_what_a_person_reads_otherwise(
    environment: dict[str, str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    kratos_files: list[Path],
) -> None:
    kratos_files[1].write_text(kratos_files[1].read_text().replace("ignore: true", "parse: true"))
    arguments = ["--kratos-config", str(kratos_files[1])]
    printed = text_of(arguments, {**environment, "PUBLIC_URL": ""}, monkeypatch, tmp_path, capsys)
    assert not any(secret in printed for secret in SECRETS)
    where = "selfservice.flows.registration.after.{}.hooks[0].config.response.parse\n"
    column = " " * 31
    assert printed == (
        f"error    initiate-hook-parsed  {where.format('password')}"
        + "".join(f"{column}{where.format(method)}" for method in ("oidc", "code", "webauthn", "passkey"))
        + "  what   a hook whose answer is read runs before the identity exists, with a nil id: nothing can be "
        "started\n"
        "  remedy remove `response.parse` and write `response: {ignore: true}`\n"
        "\n"
        "warning  public-url-unset      PUBLIC_URL\n"
        "  what   is not set, so that only signed callbacks are taken, and Jumio's public documents describe no\n"
        "         signature: verdicts may only ever come through `jumio-webhook sync`\n"
        "  remedy PUBLIC_URL=https://<the public name of this service>\n"
        "\n"
        "2 found: 1 to repair (error), 1 to look at (warning).\n"
        "\n"
        "checked: kratos-config, hook-urls, settings, kratos, jumio\n"
        "not checked: kratos-environment (variables that override Kratos' files are not seen from here)\n"
        "not checked: certificate (PUBLIC_URL is not set, or not https)\n"
    )
