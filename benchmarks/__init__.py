# SPDX-License-Identifier: Apache-2.0
"""`make bench`: the service measured against a bare WSGI application and a plain Flask route. Not a test."""
