# SPDX-License-Identifier: Apache-2.0
"""The Dockerfile: linted, and its promises checked as far as that goes where no engine runs."""

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
import zipfile
from pathlib import Path

import pytest
from dockerfile import FILE, LAST, ROOT, copy_as_stage, instructions, only, sent_to_the_engine, stage

from sandbox.server import LoopbackServer, free_port

# Every linter comes from the lock, so that it is there wherever the tests run: none of these is ever skipped.
TOOLS = Path(sys.executable).parent
EVERY_STAGE = ("sandbox", LAST)


def test_the_linter_has_nothing_to_say() -> None:
    done = subprocess.run([TOOLS / "hadolint", FILE], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_every_base_is_pinned_to_a_patch_release_or_a_stage() -> None:
    stages: set[str] = set()
    for name, rest in instructions():
        if name == "FROM":
            image, _, alias = rest.partition(" AS ")
            assert image in stages or re.fullmatch(r"python:3\.\d+\.\d+-slim-\w+", image)
            stages.add(alias)


def test_every_install_is_from_a_lock_with_hashes_or_of_our_own_wheel() -> None:
    installs = [
        part
        for name, rest in instructions()
        if name == "RUN"
        for part in rest.split("&&")
        if re.search(r"pip\b.* install\b", part)
    ]
    assert len(installs) == 3
    for install in installs:
        assert "--require-hashes" in install or ("--no-deps" in install and "--no-index" in install)


@pytest.mark.parametrize("name", EVERY_STAGE)
def test_the_runtime_user_is_a_number_not_root_and_owns_nothing(name: str) -> None:
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", only(name, "USER"))
    found = stage(name)
    assert not any("--chown" in rest or "--chmod" in rest for _, rest in found)
    kinds = [kind for kind, _ in found]
    assert {"RUN", "ADD"}.isdisjoint(kinds[kinds.index("USER") :])


def test_the_command_is_the_project_s_own() -> None:
    assert (json.loads(only(LAST, "ENTRYPOINT")), json.loads(only(LAST, "CMD"))) == (["jumio-webhook"], ["serve"])
    assert only(LAST, "STOPSIGNAL") == "SIGTERM"


def check_health(port: str | None) -> int:
    command = json.loads(only(LAST, "HEALTHCHECK").partition("CMD ")[2])
    assert command[0] == "python"
    environment = {} if port is None else {"PORT": port}
    proxies = {"http_proxy": "http://127.0.0.1:9", "HTTP_PROXY": "http://127.0.0.1:9"}
    return subprocess.run(
        [sys.executable, *command[1:]], env=environment | proxies, stderr=subprocess.DEVNULL, check=False
    ).returncode


@pytest.mark.parametrize(("status", "healthy"), [("200 OK", True), ("503 Service Unavailable", False)])
def test_the_health_check_asks_the_port_that_is_set(status: str, healthy: bool) -> None:
    def app(environ: dict[str, str], start_response: object) -> list[bytes]:
        assert callable(start_response)
        start_response(status if environ["PATH_INFO"] == "/health/alive" else "404 Not Found", [])
        return []

    with LoopbackServer(app) as server:
        assert (check_health(str(server.port)) == 0) is healthy
    assert check_health(str(free_port())) != 0


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the image's own wheel brings into its site-packages: built from what the build stage copies, no more."""
    source, installed = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    copy_as_stage("build", source)
    install = (sys.executable, "-m", "pip", "install", "--no-compile", "--no-deps", "--no-index", "--target")
    run(*install, installed, build_wheel(source), where=source)
    return installed


def build_wheel(source: Path) -> Path:
    run(sys.executable, "-m", "hatchling", "build", "-t", "wheel", where=source)
    (wheel,) = (source / "dist").glob("*.whl")
    return wheel


def run(*command: str | Path, where: Path) -> None:
    done = subprocess.run(command, cwd=where, env={"PATH": os.environ["PATH"]}, capture_output=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def in_image(image: Path, *arguments: str, where: Path) -> subprocess.CompletedProcess[str]:
    """`python -m`, as in the image: with the dependencies, without this checkout.

    Those here come with `-S` and as a path, for it is a .pth file that puts the checkout among them.
    """
    paths = os.pathsep.join((str(image), sysconfig.get_path("purelib")))
    return subprocess.run(
        [sys.executable, "-S", "-m", *arguments],
        cwd=where,
        env={"PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_image_holds_the_service_whole(image: Path) -> None:
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "webhook").rglob("*.py")}
    shipped = {"webhook/_shipped/ory-actions.yaml", "webhook/_shipped/jsonnet/validate.jsonnet"}
    assert sources | shipped <= {str(path.relative_to(image)) for path in image.rglob("*")}


def test_the_image_holds_nothing_of_the_sandbox(image: Path, tmp_path: Path) -> None:
    names = {path.name for path in image.iterdir() if path.name != "bin" and path.suffix != ".dist-info"}
    assert names == {"webhook"}
    done = in_image(image, "webhook", "demo", where=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    (line,) = done.stderr.splitlines()
    assert "sandbox" in line
    assert "make demo" in line


def test_the_sandbox_s_image_runs_the_stand_in_for_jumio(image: Path, tmp_path: Path) -> None:
    copy_as_stage("sandbox", tmp_path)
    python, option, module = json.loads(only("sandbox", "ENTRYPOINT"))
    assert (python, option) == ("python", "-m")
    done = in_image(image, module, "--help", where=tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "A stand-in for Jumio" in done.stdout


def test_a_plain_install_brings_the_demo(tmp_path: Path) -> None:
    for path in sent_to_the_engine():
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    packed = set(zipfile.ZipFile(build_wheel(tmp_path)).namelist())
    assert {str(path.relative_to(ROOT)) for path in (ROOT / "sandbox").rglob("*.py")} <= packed
