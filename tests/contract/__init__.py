# SPDX-License-Identifier: Apache-2.0
"""The contract, part by part: what the outside sees of the application, over HTTP and by the command line."""

import pytest

pytest.register_assert_rewrite("contract.reading", "contract.routes")
