# SPDX-License-Identifier: Apache-2.0
"""The contract's section on time, from outside: a real service, its peers and its callers each in their own process.

To be run alone: beside other tests that take both cores, what is measured is how the machine shares them.
"""
