# SPDX-License-Identifier: Apache-2.0
"""The Dockerfile: linted, and its promises checked as far as that goes where no engine runs."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from fnmatch import fnmatch
from pathlib import Path

import pytest

from sandbox.server import LoopbackServer, free_port

ROOT = Path(__file__).resolve().parents[2]
# Every linter comes from the lock, so that it is there wherever the tests run: none of these is ever skipped.
TOOLS = Path(sys.executable).parent
FILE = ROOT / "Dockerfile"


def instructions() -> list[tuple[str, str]]:
    """(instruction, the rest), with continued lines joined."""
    lines = [line for line in FILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line.strip())]


def last_stage() -> list[tuple[str, str]]:
    found = instructions()
    return found[max(index for index, (name, _) in enumerate(found) if name == "FROM") :]


def only(name: str) -> str:
    (value,) = (rest for instruction, rest in last_stage() if instruction == name)
    return value


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


def test_the_runtime_user_is_a_number_not_root_and_owns_nothing() -> None:
    names = [name for name, _ in last_stage()]
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", only("USER"))
    assert not any("--chown" in rest or "--chmod" in rest for _, rest in last_stage())
    assert {"RUN", "COPY", "ADD"}.isdisjoint(names[names.index("USER") :])


def test_the_command_is_the_project_s_own() -> None:
    assert (json.loads(only("ENTRYPOINT")), json.loads(only("CMD"))) == (["jumio-webhook"], ["serve"])
    assert only("STOPSIGNAL") == "SIGTERM"


def check_health(port: str | None) -> int:
    command = json.loads(only("HEALTHCHECK").partition("CMD ")[2])
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


def sent_to_the_engine() -> list[Path]:
    """What .dockerignore, which excludes all and then lets in, leaves of what git knows or could know."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    excluded = [rule.removeprefix("**/") for rule in rules[1:] if not rule.startswith("!")]
    files = [path for name in sorted(allowed) for path in ((ROOT / name), *(ROOT / name).rglob("*")) if path.is_file()]
    return [path for path in files if not any(fnmatch(part, rule) for part in path.parts for rule in excluded)]


def test_what_the_engine_is_sent_builds_the_whole_package(tmp_path: Path) -> None:
    for path in sent_to_the_engine():
        target = tmp_path / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, target)
    assert not (tmp_path / "tests").exists()
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel"],
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        check=True,
    )
    (wheel,) = (tmp_path / "dist").glob("*.whl")
    packed = set(zipfile.ZipFile(wheel).namelist())
    sources = {str(path.relative_to(ROOT)) for path in (ROOT / "webhook").rglob("*.py")}
    assert sources <= packed
    assert {"webhook/_shipped/ory-actions.yaml", "webhook/_shipped/jsonnet/validate.jsonnet"} <= packed
