# SPDX-License-Identifier: Apache-2.0
"""Identity verification vendors; a second vendor is a second folder."""
