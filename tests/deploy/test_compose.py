# SPDX-License-Identifier: Apache-2.0
"""compose.yaml: taken by the real `docker compose`, hardened, and of one mind about names, ports and secrets."""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
import yaml
from dockerfile import LAST, ROOT, only

from sandbox.kratos_binary import RealKratos
from sandbox.server import free_port
from sandbox.service import ServiceProcess
from sandbox.shipped import PLACEHOLDERS
from sandbox.start import find_kratos
from webhook.settings import Settings

TOOLS = Path(sys.executable).parent
OURS = ("jumio-webhook", "sync")

Service = dict[str, Any]


@pytest.fixture(scope="module")
def services() -> dict[str, Service]:
    """Every service as `docker compose` understands it: anchors resolved, checked against its schema."""
    done = subprocess.run(
        [
            TOOLS / "docker-compose",
            "--env-file",
            os.devnull,
            "--file",
            ROOT / "compose.yaml",
            "config",
            "--format=json",
        ],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    found: dict[str, Service] = json.loads(done.stdout)["services"]
    return found


@pytest.fixture(scope="module")
def hooks() -> str:
    return (ROOT / "compose" / "ory-actions.yaml").read_text()


def arguments(services: dict[str, Service]) -> dict[str, str]:
    """Those of Jumio's stand-in."""
    return dict(argument.removeprefix("--").split("=", 1) for argument in services["jumio"]["command"])


def test_every_image_is_pinned_or_built_here(services: dict[str, Service]) -> None:
    for service in services.values():
        image = service["image"]
        assert "build" in service or re.fullmatch(r"[a-z/-]+:v?\d+\.\d+(\.\d+)?(-[a-z]+[\d.]+)?", image), image
    built = {service["image"]: service["build"] for service in services.values() if "build" in service}
    assert {image: build.get("target", LAST) for image, build in built.items()} == {
        "jumio-webhook:local": LAST,
        "jumio-webhook-sandbox:local": "sandbox",
    }


def test_every_container_is_hardened_and_listens_on_loopback_only(services: dict[str, Service]) -> None:
    for name, service in services.items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name
        assert "privileged" not in service
        assert "cap_add" not in service
        assert {port["host_ip"] for port in service.get("ports", [])} <= {"127.0.0.1"}
        assert all(volume.get("read_only") for volume in service.get("volumes", []) if volume["type"] == "bind")


def test_whatever_is_waited_for_can_be_waited_for(services: dict[str, Service]) -> None:
    awaited = 0
    for service in services.values():
        for name, dependency in service.get("depends_on", {}).items():
            awaited += 1
            if dependency["condition"] == "service_completed_successfully":
                assert services[name]["restart"] == "on-failure"
            else:
                assert dependency["condition"] == "service_healthy"
                # The image's own check, or one that stands here.
                assert name == "jumio-webhook" or "test" in services[name]["healthcheck"]
    assert awaited > 5


def test_every_setting_is_one_and_all_are_right(services: dict[str, Service]) -> None:
    known = re.findall(r"^([A-Z_]+)=", (ROOT / ".env.example").read_text(), re.MULTILINE)
    for name in OURS:
        environment = services[name]["environment"]
        assert set(environment) <= set(known)
        assert Settings.from_mapping(environment).server.port == 3000
    assert services["sync"]["command"] == ["sync", "--every", "60"]
    assert services["sync"]["healthcheck"] == {"disable": True}


def test_every_url_leads_to_a_container(services: dict[str, Service], hooks: str) -> None:
    listening = {"jumio-webhook": 3000, "kratos": 4433, "jumio": int(arguments(services)["port"]), "database": 5432}
    text = json.dumps([service.get("environment") for service in services.values()]) + json.dumps(arguments(services))
    named = [urlsplit(url) for url in re.findall(r"\w+://[^\s\"?]+", text + hooks) if "127.0.0.1" not in url]
    inside = {(url.hostname, url.port) for url in named if url.scheme != "file"}
    assert inside == {*listening.items(), ("kratos", 4434)}


def test_every_url_for_the_browser_leads_to_a_published_port(services: dict[str, Service]) -> None:
    published = {int(port["published"]) for service in services.values() for port in service.get("ports", [])}
    texts = [path.read_text() for path in (ROOT / "compose.yaml", ROOT / "compose" / "kratos.yml")]
    # Health checks ask inside their own container, which publishes the same port.
    asked = {int(port) for text in texts for port in re.findall(r"http://127\.0\.0\.1:(\d+)", text)}
    assert asked - {4434} == published


def test_the_two_sides_of_every_secret_agree(services: dict[str, Service], hooks: str) -> None:
    settings, given = services["jumio-webhook"]["environment"], arguments(services)
    assert f"Bearer {settings['ORY_WEBHOOK_SECRET']}\n" in hooks
    assert settings["JUMIO_CALLBACK_SECRET"] == given["callback-secret"]
    assert settings["JUMIO_CLIENT_ID"] == given["client-id"]
    assert settings["JUMIO_CLIENT_SECRET"] == given["client-secret"]


def test_the_hooks_are_those_we_ship(services: dict[str, Service], hooks: str) -> None:
    shipped = (ROOT / "ory-actions.yaml").read_text()
    filled = shipped.replace(PLACEHOLDERS["service_url"], "http://jumio-webhook:3000").replace(
        PLACEHOLDERS["ory_secret"], services["jumio-webhook"]["environment"]["ORY_WEBHOOK_SECRET"]
    )
    assert yaml.safe_load(hooks) == yaml.safe_load(filled), "compose/ory-actions.yaml must follow ory-actions.yaml"
    assert f"{PLACEHOLDERS['templates']}/" in hooks
    mounted = {volume["target"] for volume in services["kratos"]["volumes"]}
    assert PLACEHOLDERS["templates"].removeprefix("file://") in mounted


class ComposedKratos(RealKratos):
    """A real Kratos with the configuration of compose.yaml; only what differs without containers is replaced."""

    def _configuration(self, folder: Path, public: int, admin: int) -> dict[str, Any]:
        composed: dict[str, Any] = yaml.safe_load((ROOT / "compose" / "kratos.yml").read_text())
        (folder / "identity.schema.json").write_text((ROOT / "compose" / "identity.schema.json").read_text())
        ours = super()._configuration(folder, public, admin)
        return composed | {name: ours[name] for name in ("dsn", "serve", "identity", "hashers", "courier")}


@pytest.fixture
def stand_in(services: dict[str, Service], request: pytest.FixtureRequest) -> Iterator[tuple[str, str]]:
    """Jumio's, by the command of compose.yaml: its URL, and that of the service it calls back."""
    port, service_port = free_port(), free_port()
    service_url = f"http://127.0.0.1:{service_port}"
    moved = {
        "host": "127.0.0.1",
        "port": str(port),
        "public-url": f"http://127.0.0.1:{port}",
        "callback-url": f"{service_url}/jumio/callback",
    }
    given = [f"--{name}={value}" for name, value in (arguments(services) | moved).items()]
    entrypoint = json.loads(only(services["jumio"]["build"]["target"], "ENTRYPOINT"))
    assert entrypoint[0] == "python"
    with subprocess.Popen([sys.executable, *entrypoint[1:], *given], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == f"Jumio's stand-in: http://127.0.0.1:{port}\n"
        yield f"http://127.0.0.1:{port}", service_url
        process.terminate()
        assert process.wait(10) == 0


@pytest.mark.parametrize(("outcome", "allowed"), [("passed", True), ("rejected", False)])
def test_it_can_be_clicked_through(
    services: dict[str, Service], hooks: str, stand_in: tuple[str, str], outcome: str, allowed: bool
) -> None:
    binary = find_kratos()
    if binary is None:
        pytest.skip("no Kratos: set KRATOS_BIN, or put `kratos` on the PATH")
    jumio_url, service_url = stand_in
    here = hooks.replace("http://jumio-webhook:3000", service_url)
    here = here.replace(PLACEHOLDERS["templates"], (ROOT / "jsonnet").as_uri())
    with ComposedKratos(here, binary=binary) as kratos:
        environment = {
            name: value.replace("http://kratos:4434", kratos.admin_url).replace("http://jumio:8080", jumio_url)
            for name, value in services["jumio-webhook"]["environment"].items()
        }
        with ServiceProcess(environment, port=urlsplit(service_url).port):
            identity_id = kratos.register("ada@example.com").identity_id
            assert identity_id

            def record(other_than: str | None) -> dict[str, Any]:
                for _ in range(200):
                    found: dict[str, Any] = (kratos.identity(identity_id)["metadata_public"] or {}).get("jumio") or {}
                    if found.get("status") not in (None, "unstarted", other_than):
                        return found
                    time.sleep(0.05)
                raise TimeoutError(found)

            link = record(None)["verification_url"]
            assert link.startswith(f"{jumio_url}/web/v4/app?")
            requests.post(link, data={"outcome": outcome}, timeout=10).raise_for_status()
            assert record("pending")["status"] == {"passed": "approved", "rejected": "rejected"}[outcome]
            assert kratos.login("ada@example.com").allowed is allowed
