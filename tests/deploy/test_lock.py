# SPDX-License-Identifier: Apache-2.0
"""What the service runs on is in `requirements.lock`: nothing that only tests and linters bring is needed."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
LOCK = ROOT / "requirements.lock"
# Whatever comes from a distribution that the lock does not have is not there; then all of the package is imported.
IMPORTS = """
import importlib.abc, importlib.metadata, importlib.util, pkgutil, re, sys

locked = set(re.findall(r"^([a-z0-9][\\w.-]*)==", open(sys.argv[1]).read(), re.MULTILINE))
brings = importlib.metadata.packages_distributions()
name_of = lambda distribution: re.sub(r"[-_.]+", "-", distribution).lower()

class Locked(importlib.abc.MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        brought_by = {name_of(each) for each in brings.get(name, [])} - {"ory-jumio-webhook"}
        if brought_by and not brought_by & locked:
            raise ModuleNotFoundError(f"{name} is brought by {brought_by}, which the lock does not have", name=name)
        return None

sys.meta_path.insert(0, Locked())
import webhook.__main__
for module in pkgutil.walk_packages(webhook.__path__, "webhook."):
    importlib.import_module(module.name)
print(len(locked), sorted({each for names in brings.values() for each in map(name_of, names)} - locked)[:1] != [])
"""


def test_the_package_imports_what_is_locked_for_it_and_nothing_else() -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTS, str(LOCK)], capture_output=True, text=True, check=False, cwd=ROOT, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    locked, has_others = done.stdout.split()
    assert int(locked) > 30
    assert has_others == "True", "the tests run on more than that, so that something could be missing"
