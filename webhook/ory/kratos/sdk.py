# SPDX-License-Identifier: Apache-2.0
"""The few parts of `ory_client` that are needed, without the hundreds of models its packages import at once.

`import ory_client` takes four times as long and 30 MB more than the identity API alone. While the parts are
imported, empty packages stand in for the three whose `__init__` imports everything; afterwards they are gone, and a
later `import ory_client` finds the whole library.
"""

import contextlib
import importlib.util
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

_PACKAGES = ("ory_client", "ory_client.api", "ory_client.models")


@contextlib.contextmanager
def _empty_packages() -> Iterator[None]:
    spec = importlib.util.find_spec("ory_client")
    if spec is None or not spec.submodule_search_locations:
        raise ImportError("ory-client is not installed")
    root = Path(spec.submodule_search_locations[0])
    for name in _PACKAGES:
        package = ModuleType(name)
        package.__path__ = [str(root.joinpath(*name.split(".")[1:]))]
        sys.modules[name] = package
    try:
        yield
    finally:
        for name in _PACKAGES:
            del sys.modules[name]


with contextlib.nullcontext() if "ory_client" in sys.modules else _empty_packages():
    from ory_client.api.identity_api import IdentityApi
    from ory_client.api_client import ApiClient
    from ory_client.configuration import Configuration
    from ory_client.exceptions import ApiException
    from ory_client.models.json_patch import JsonPatch

__all__ = ["ApiClient", "ApiException", "Configuration", "IdentityApi", "JsonPatch"]
