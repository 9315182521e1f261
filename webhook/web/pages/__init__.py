# SPDX-License-Identifier: Apache-2.0
"""What a person sees behind our own link: a few plain pages, and the way on to Jumio."""
