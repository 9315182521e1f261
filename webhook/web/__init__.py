# SPDX-License-Identifier: Apache-2.0
"""Flask: parse, act, answer, and nothing else."""
