# SPDX-License-Identifier: Apache-2.0
"""One real process of the service: its start, its end, its log and metrics, and clients that are hostile."""
