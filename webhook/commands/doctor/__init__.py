# SPDX-License-Identifier: Apache-2.0
"""`jumio-webhook doctor`: says what is wrong with an installation, where, and what to write instead."""
