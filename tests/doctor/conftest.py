# SPDX-License-Identifier: Apache-2.0
"""What is in order, for the tests to spoil: our own ory-actions.yaml beside a minimal kratos.yml, and certificates."""

import json
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import NameOID
from support import ORY_SECRET

from doctor.certificates import Authority, accept, key_of, make_certificate
from sandbox.shipped import actions

SERVICE_URL = "https://jumio-webhook.example.com"
KRATOS_YML = """
dsn: memory
identity:
  default_schema_id: default
  schemas: [{id: default, url: file:///etc/config/kratos/identity.schema.json}]
selfservice:
  default_browser_return_url: https://www.example.com/
log: {level: info}
"""


@pytest.fixture
def kratos_files(tmp_path: Path, service_url: str) -> list[Path]:
    """kratos.yml and ory-actions.yaml, as an operator has them, with the service up."""
    files = {"kratos.yml": KRATOS_YML, "ory-actions.yaml": actions(service_url=service_url, ory_secret=ORY_SECRET)}
    for name, text in files.items():
        tmp_path.joinpath(name).write_text(text)
    return [tmp_path / name for name in files]


@pytest.fixture
def service_url() -> Iterator[str]:
    """Where somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


@pytest.fixture
def clean() -> dict[str, Any]:
    """Both files as one document, in which no two methods share an object."""
    document = yaml.safe_load(KRATOS_YML)
    hooks = yaml.safe_load(actions(service_url=SERVICE_URL, ory_secret=ORY_SECRET))
    document["selfservice"].update(hooks["selfservice"])
    copied: dict[str, Any] = json.loads(json.dumps(document))
    return copied


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    key = key_of("rsa")
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "An authority for tests")])
    certificate = make_certificate(
        "An authority for tests", key, issuer=name, signed_by=key, days=900, is_authority=True
    )
    file = tmp_path_factory.mktemp("authority") / "authority.pem"
    file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    return Authority(key, certificate, file)


@pytest.fixture
def serve_tls() -> Iterator[Callable[..., str]]:
    """Serves certificates on loopback (one file or several, as one server may); gives the https URL."""
    listeners: list[socket.socket] = []
    threads: list[threading.Thread] = []

    def serve(*files: Path, minimum: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2) -> str:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = minimum
        for file in files:
            context.load_cert_chain(file)
        listener = socket.create_server(("127.0.0.1", 0))
        thread = threading.Thread(target=accept, args=(listener, context), daemon=True)
        thread.start()
        listeners.append(listener)
        threads.append(thread)
        return f"https://localhost:{listener.getsockname()[1]}"

    yield serve
    for listener in listeners:
        listener.shutdown(socket.SHUT_RDWR)  # closing alone would not wake the thread
        listener.close()
    for thread in threads:
        thread.join()
