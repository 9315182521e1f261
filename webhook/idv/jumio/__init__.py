# SPDX-License-Identifier: Apache-2.0
"""Jumio: the wire (`client`, `token`, `hosts`) and what its documents mean (`documents`)."""
