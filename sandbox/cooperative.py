# SPDX-License-Identifier: Apache-2.0
"""Makes everything that waits cooperative, as each entry point of the service does: a pytest plugin, `-p` this module.

It must be imported before whatever else a plugin brings along (ssl, urllib3), hence not a conftest.
"""

from gevent import monkey

monkey.patch_all(os=False, signal=False)
