"""Upstreams behind TLS are checked against the system's authorities."""

from __future__ import annotations

import contextlib
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from origin import OriginConnection, serve_simply

from tests.migration.proxy.conftest import FrontMaker


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    directory = tmp_path_factory.mktemp("tls")
    key, chain = directory / "key.pem", directory / "cert.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2",
         "-keyout", key, "-out", chain, "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, capture_output=True,
    )  # fmt: skip
    return key, chain


@pytest.fixture(scope="module")
def tls_port(certificate: tuple[Path, Path]) -> Iterator[int]:
    key, chain = certificate
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(chain, key)

    def serve(sock: socket.socket) -> None:
        with contextlib.suppress(OSError), context.wrap_socket(sock, server_side=True) as encrypted:
            serve_simply(OriginConnection(encrypted))

    def accept() -> None:
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=accept, daemon=True).start()
        yield listener.getsockname()[1]


def test_exchanges_over_tls(make_front: FrontMaker, tls_port: int, certificate: tuple[Path, Path]) -> None:
    front = make_front(f"https://localhost:{tls_port}/base", SSL_CERT_FILE=str(certificate[1]))
    payload = b"x" * 500_000
    for _ in range(3):
        answer = front.request("POST", "/upload?x=1", payload).read()
        assert answer.startswith(b"POST /base/upload?x=1 HTTP/1.1\r\n")
        assert answer.endswith(payload)


def test_an_unknown_certificate_is_refused(make_front: FrontMaker, tls_port: int) -> None:
    response = make_front(f"https://localhost:{tls_port}").request("GET", "/")
    assert response.status == 502
    assert b"upstream_unreachable" in response.read()
