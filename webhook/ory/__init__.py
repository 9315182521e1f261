# SPDX-License-Identifier: Apache-2.0
"""Ory's services, as this one sees them."""
