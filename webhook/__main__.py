# SPDX-License-Identifier: Apache-2.0
"""`jumio-webhook`, and the same as `python -m webhook`."""

from gevent import monkey

# Before anything else is imported: what is imported earlier keeps the blocking originals (ssl, urllib3). Not for
# gunicorn's arbiter, which forks and waits for its children: gevent's own ways lose one that ends right after the fork.
monkey.patch_all(os=False, signal=False)

import sys

from webhook.cli import main

__all__ = ["main"]

if __name__ == "__main__":
    sys.exit(main())
