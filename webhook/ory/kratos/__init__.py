# SPDX-License-Identifier: Apache-2.0
"""Kratos' admin API: the wire (`client`, on `ory_client`) and what it means (`documents`)."""
