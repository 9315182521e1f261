# SPDX-License-Identifier: Apache-2.0
"""The Dockerfile as values: its instructions, its stages, and what a stage copies of what the engine is sent."""

import re
import shutil
from fnmatch import fnmatch
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FILE = ROOT / "Dockerfile"
LAST = ""  # the name of the last stage, which has none

Instruction = tuple[str, str]


def instructions() -> list[Instruction]:
    """(instruction, the rest), with continued lines joined."""
    lines = [line for line in FILE.read_text().splitlines() if not line.lstrip().startswith("#")]
    joined = re.sub(r"\s*\\\n\s*", " ", "\n".join(lines))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.splitlines() if line.strip())]


def stage(name: str) -> list[Instruction]:
    """Its instructions, after those of the stages that it stands on."""
    stages: dict[str, list[Instruction]] = {}
    for instruction, rest in instructions():
        if instruction == "FROM":
            image, _, alias = rest.partition(" AS ")
            stages[alias] = list(stages.get(image, []))
            last = alias
        else:
            stages[last].append((instruction, rest))
    assert last == LAST
    return stages[name]


def only(name: str, instruction: str) -> str:
    """What stands in the one instruction of this kind."""
    (value,) = (rest for kind, rest in stage(name) if kind == instruction)
    return value


def sent_to_the_engine() -> list[Path]:
    """What .dockerignore, which excludes all and then lets in, leaves of what git knows or could know."""
    rules = [line for line in (ROOT / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert rules[0] == "*"
    allowed = {rule[1:] for rule in rules if rule.startswith("!")}
    excluded = [rule.removeprefix("**/") for rule in rules[1:] if not rule.startswith("!")]
    files = [path for name in sorted(allowed) for path in ((ROOT / name), *(ROOT / name).rglob("*")) if path.is_file()]
    return [path for path in files if not any(fnmatch(part, rule) for part in path.parts for rule in excluded)]


def copy_as_stage(name: str, folder: Path) -> None:
    """Do the COPYs of a stage into a folder in place of its WORKDIR, those from other stages aside."""
    for kind, rest in stage(name):
        if kind != "COPY" or rest.startswith("--from="):
            continue
        *sources, target = rest.split()
        for source in sources:
            found = [path for path in sent_to_the_engine() if path.is_relative_to(ROOT / source)]
            assert found, f"the engine is not sent {source}"
            for path in found:
                # As docker does: a file goes into the target folder, of a folder its contents do.
                to = folder / target / (path.name if path == ROOT / source else path.relative_to(ROOT / source))
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(path, to)
