# SPDX-License-Identifier: Apache-2.0
"""Stand-ins for Jumio and Kratos, and a real Kratos, on loopback. Production code never imports this package."""
