# SPDX-License-Identifier: Apache-2.0
"""The configuration of a real Kratos in the sandbox, less the hooks: people with an e-mail address and no UI."""

from __future__ import annotations

import base64
import json
import secrets
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from sandbox.shipped import shipped

# The address can be verified and recovered; but no verification flow starts by itself, as none is enabled below.
IDENTITY_SCHEMA = {
    "$id": "https://example.com/person.schema.json",
    "$schema": "http://json-schema.org/draft-07/schema#",
    "title": "Person",
    "type": "object",
    "properties": {
        "traits": {
            "type": "object",
            "properties": {
                "email": {
                    "type": "string",
                    "format": "email",
                    "title": "E-mail",
                    "ory.sh/kratos": {
                        "credentials": {
                            "password": {"identifier": True},
                            "code": {"identifier": True, "via": "email"},
                            "totp": {"account_name": True},
                        },
                        "verification": {"via": "email"},
                        "recovery": {"via": "email"},
                    },
                },
                "name": {
                    "type": "object",
                    "properties": {
                        "first": {"type": "string", "title": "First name", "maxLength": 100},
                        "last": {"type": "string", "title": "Last name", "maxLength": 100},
                    },
                    "additionalProperties": False,
                },
                "birthdate": {"type": "string", "format": "date", "title": "Date of birth", "maxLength": 10},
            },
            "required": ["email"],
            "additionalProperties": False,
        }
    },
}


def configuration(folder: Path, *, public_port: int, admin_port: int) -> dict[str, Any]:
    """For kratos.yml; `folder` is where identity.schema.json lies."""
    return {
        "dsn": "memory",
        "serve": {
            "public": {"host": "127.0.0.1", "port": public_port, "base_url": f"http://127.0.0.1:{public_port}/"},
            "admin": {"host": "127.0.0.1", "port": admin_port, "base_url": f"http://127.0.0.1:{admin_port}/"},
        },
        "identity": {
            "default_schema_id": "default",
            "schemas": [{"id": "default", "url": (folder / "identity.schema.json").as_uri()}],
        },
        "selfservice": {
            "default_browser_return_url": "http://127.0.0.1/",
            "methods": {
                # The look-up of leaked passwords would leave this machine.
                "password": {"enabled": True, "config": {"haveibeenpwned_enabled": False}},
                "code": {"enabled": True, "passwordless_enabled": True},
                "totp": {"enabled": True, "config": {"issuer": "sandbox"}},
            },
            "flows": {"recovery": {"enabled": True, "use": "code"}},
        },
        "session": {
            "whoami": {
                "tokenizer": {
                    "templates": {
                        "jumio": {
                            "ttl": "1m",
                            "jwks_url": f"base64://{_signing_keys()}",
                            "claims_mapper_url": (shipped("jsonnet") / "session-token.jsonnet").as_uri(),
                        }
                    }
                }
            }
        },
        # Without it a native client never gets the session token of a recovery.
        "feature_flags": {"use_continue_with_transitions": True},
        "secrets": {"cookie": [secrets.token_hex(16)], "cipher": [secrets.token_hex(16)]},
        "hashers": {"algorithm": "bcrypt", "bcrypt": {"cost": 4}},
        # Nobody listens there: mails stay in the queue, where the admin API shows them.
        "courier": {"smtp": {"connection_uri": "smtp://sandbox:sandbox@127.0.0.1:1/?disable_starttls=true"}},
        "log": {"level": "info", "format": "json"},
    }


def _signing_keys() -> str:
    """A JSON Web Key Set with one new private key, in base64."""
    key = ec.generate_private_key(ec.SECP256R1()).private_numbers()
    numbers = {"x": key.public_numbers.x, "y": key.public_numbers.y, "d": key.private_value}
    members = {
        name: base64.urlsafe_b64encode(number.to_bytes(32, "big")).rstrip(b"=").decode()
        for name, number in numbers.items()
    }
    jwk = {"kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": "sandbox", **members}
    return base64.b64encode(json.dumps({"keys": [jwk]}).encode()).decode()
