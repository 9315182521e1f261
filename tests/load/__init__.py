# SPDX-License-Identifier: Apache-2.0
"""The contract's section on time, from outside: a real service, its peers and its callers each in their own process."""
