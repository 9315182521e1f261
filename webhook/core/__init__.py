# SPDX-License-Identifier: Apache-2.0
"""Deciding: functions over plain values. No Flask, no environment, no clock (`now` is a parameter), no I/O."""
