# SPDX-License-Identifier: Apache-2.0
"""What happens to people when everything around the service fails; see test_chaos.py."""
