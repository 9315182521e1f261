# SPDX-License-Identifier: Apache-2.0
"""`python -m webhook` is `jumio-webhook`."""

import sys

from webhook.cli import main

sys.exit(main())
