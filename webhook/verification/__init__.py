# SPDX-License-Identifier: Apache-2.0
"""The one path of a verdict: start, look, settle, write, act."""
