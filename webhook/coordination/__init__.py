# SPDX-License-Identifier: Apache-2.0
"""What several requests and processes must agree on."""
