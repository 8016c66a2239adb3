"""Nobody chose who may administrate: then only programs on the same machine may reach the server."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from backend.core.listeners import Listener, is_loopback, listeners
from tests.backend.conftest import Spot
from tests.support.cli import ROOT
from tests.support.net import free_port
from tests.support.serving import serving

APP = "backend:create_app()"
STATS = "/api/admin/stats"


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    return {"SPOT_DATABASE_URL": f"sqlite:///{tmp_path / 'spot.sqlite3'}", "LOG_LEVEL": "ERROR"}


@pytest.mark.parametrize("options", [(), ("--preload",)], ids=["workers load", "preload"])
def test_on_loopback_nothing_need_be_said(
    tmp_path: Path, environment: dict[str, str], options: tuple[str, ...]
) -> None:
    with serving(APP, tmp_path, environment, options=options) as server:
        assert server.request("GET", STATS).status == 200


@pytest.mark.parametrize(
    "chosen", [{"ADMIN_ACCESS": "open"}, {"ADMIN_ACCESS": "token", "ADMIN_TOKEN": "0123456789abcdef"}]
)
def test_on_all_addresses_a_choice_is_enough(
    tmp_path: Path, environment: dict[str, str], chosen: dict[str, str]
) -> None:
    with serving(APP, tmp_path, environment | chosen, host="0.0.0.0") as server:
        assert server.request("GET", STATS).status == (200 if chosen["ADMIN_ACCESS"] == "open" else 401)
        assert server.request("GET", STATS, Authorization="Bearer 0123456789abcdef").status == 200


@pytest.mark.parametrize("bind", ["0.0.0.0:{port}", "[::]:{port}", "unix:{directory}/web.sock"])
def test_without_a_choice_an_exposed_server_does_not_start(
    tmp_path: Path, environment: dict[str, str], bind: str
) -> None:
    address = bind.format(port=free_port(), directory=tmp_path)
    others = {"CUTOVER_LEDGER_URL": f"sqlite:///{tmp_path / 'ledger.sqlite3'}"}
    finished = subprocess.run(
        [sys.executable, "-m", "gunicorn", f"--bind={address}", "--no-control-socket", "wsgi:application"],
        cwd=ROOT, env={**os.environ, **environment, **others}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert finished.returncode == 4
    (said,) = [line for line in finished.stderr.splitlines() if line.startswith("Cutover can't start: ")]
    place = f"the Unix socket {tmp_path}/web.sock" if bind.startswith("unix") else address
    assert f"ADMIN_ACCESS is not set, and others than this machine may reach {place}." in said
    assert "Set ADMIN_ACCESS to token (with ADMIN_TOKEN), to proxy (with ADMIN_PROXY_SECRET) or to open" in said
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize("more", ["unix:{directory}/web.sock", "0.0.0.0:{port}"])
def test_a_preloaded_application_finds_out_with_the_first_request(
    tmp_path: Path, environment: dict[str, str], more: str
) -> None:
    bind = more.format(directory=tmp_path, port=free_port())
    with serving(APP, tmp_path, environment, options=("--preload", f"--bind={bind}")) as server:
        for _ in range(2):
            refused = server.request("GET", STATS)
            assert refused.status == 403
            assert refused.json["error"].startswith("ADMIN_ACCESS is not set, and others than this machine may reach")
        assert server.request("OPTIONS", STATS).status == 200


def test_without_listeners_it_matters_where_a_request_comes_from(bare: Spot) -> None:
    http = bare.http
    assert http.get(STATS, environ_base={"REMOTE_ADDR": "127.0.0.9"}).status_code == 200
    for elsewhere in ("10.1.2.3", "2001:db8::1", ""):
        refused = http.get(STATS, environ_base={"REMOTE_ADDR": elsewhere})
        assert (refused.status_code, refused.json["error"][:24]) == (403, "ADMIN_ACCESS is not set.")


def test_listeners_are_told_from_other_sockets(tmp_path: Path) -> None:
    path = str(tmp_path / "a.sock")
    before = set(listeners())
    with (
        socket.create_server(("127.0.0.1", 0)) as local,
        socket.create_server(("0.0.0.0", 0)) as exposed,
        socket.create_server(("::1", 0), family=socket.AF_INET6) as local6,
        socket.socket(socket.AF_UNIX) as unix,
        socket.create_connection(local.getsockname()),
        socket.socket() as unbound,
    ):
        unix.bind(path)
        unix.listen()
        assert unbound.getsockname()[1] == 0
        found = {str(listener): listener.exposed for listener in set(listeners()) - before}
        assert found == {
            f"127.0.0.1:{local.getsockname()[1]}": False,
            f"0.0.0.0:{exposed.getsockname()[1]}": True,
            f"[::1]:{local6.getsockname()[1]}": False,
            f"the Unix socket {path}": True,
        }
    assert set(listeners()) == before


@pytest.mark.parametrize(
    ("host", "within"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("::ffff:10.0.0.1", False),
        ("fe80::1%eth0", False),
        ("10.0.0.1", False),
        ("0.0.0.0", False),
        ("::", False),
        ("localhost", False),
        ("", False),
    ],
)
def test_what_stays_within_the_machine(host: str, within: bool) -> None:
    assert is_loopback(host) is within


def test_a_socket_of_an_unknown_family_is_exposed() -> None:
    assert Listener(-1, ("x", 1)).exposed
    assert str(Listener(-1, ("x", 1))) == "a socket of family -1"
