# SPDX-License-Identifier: Apache-2.0
"""Joins Ory Kratos (identities, sign-in) with Jumio (identity verification). Only the version lives here."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("ory-jumio-webhook")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0.0.0"
