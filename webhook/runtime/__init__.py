# SPDX-License-Identifier: Apache-2.0
"""What every room stands on: log, metrics, deadlines, outbound HTTP."""
