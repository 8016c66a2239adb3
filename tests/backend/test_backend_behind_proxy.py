"""ADMIN_ACCESS=proxy with a real nginx in front, set up as the documentation says."""

from __future__ import annotations

import base64
import getpass
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.backend.conftest import TOKEN, Spot
from tests.support.cli import ROOT
from tests.support.net import free_port
from tests.support.serving import Answer, Server, serving
from tests.support.waiting import eventually

SECRET = "only-nginx-and-we-know"
STATS = "/api/admin/stats"


@pytest.fixture
def behind(spot: Spot, tmp_path: Path) -> Iterator[Server]:
    url = spot.app.extensions["settings"].database_url.render_as_string()
    environment = {
        "SPOT_DATABASE_URL": url,
        "ADMIN_ACCESS": "proxy",
        "ADMIN_PROXY_SECRET": SECRET,
        "TRUSTED_PROXIES": "1",
        "LOG_LEVEL": "ERROR",
    }
    with serving("backend:create_app()", tmp_path, environment) as server:
        yield server


@pytest.fixture
def proxy(behind: Server, tmp_path: Path) -> Iterator[Server]:
    """nginx with the locations of docs/access.md."""
    if shutil.which("nginx") is None:
        pytest.skip("nginx is not installed")
    (tmp_path / "operators").write_text("ada:{PLAIN}lovelace\n")
    (locations,) = re.findall(r"```nginx\n(.*?)```", (ROOT / "docs" / "access.md").read_text(), re.DOTALL)
    for documented, here in (
        ("http://127.0.0.1:8000", behind.url),
        ("the value of ADMIN_PROXY_SECRET", SECRET),
        ("/etc/nginx/operators", str(tmp_path / "operators")),
    ):
        assert documented in locations
        locations = locations.replace(documented, here)
    port = free_port()
    configuration = tmp_path / "nginx.conf"
    configuration.write_text(
        f"user {getpass.getuser()}; daemon off; pid {tmp_path}/nginx.pid; error_log {tmp_path}/error.log; events {{}}\n"
        f"http {{ access_log off; client_body_temp_path {tmp_path}/body; proxy_temp_path {tmp_path}/proxy;\n"
        f"fastcgi_temp_path {tmp_path}/f; uwsgi_temp_path {tmp_path}/u; scgi_temp_path {tmp_path}/s;\n"
        f"server {{ listen 127.0.0.1:{port}; {locations} }} }}\n"
    )
    with subprocess.Popen(["nginx", "-e", "stderr", "-p", str(tmp_path), "-c", str(configuration)]) as process:
        server = Server(port, process, tmp_path / "error.log")
        try:
            eventually(lambda: ask(server).status)
            yield server
        finally:
            process.terminate()


def ask(server: Server, path: str = STATS, user: str = "", **headers: str) -> Answer:
    if user:
        headers["Authorization"] = "Basic " + base64.b64encode(user.encode()).decode()
    return server.request("GET", path, **headers)


def test_operators_come_in_through_the_proxy_only(spot: Spot, behind: Server, proxy: Server) -> None:
    assert ask(proxy, user="ada:lovelace").status == 200
    assert ask(proxy).status == 401
    assert ask(proxy, user="ada:wrong").status == 401
    forged = {"X_Forwarded_User": "ada", "X_Admin_Proxy_Secret": "forged"}
    assert ask(proxy, **forged).status == 401
    assert ask(behind, **forged).status == 401
    shown = ask(proxy, f"/api/admin/clients/{spot.client_id}/token", "ada:lovelace", X_Forwarded_User="eve")
    assert shown.status == 200
    (row,) = eventually(lambda: spot.sql("SELECT actor_type, actor_id, ip_address FROM audit_logs"))
    assert row == {"actor_type": "proxy", "actor_id": "ada", "ip_address": "127.0.0.1"}


def test_agents_come_in_with_their_token_and_are_no_operators(spot: Spot, proxy: Server) -> None:
    agent = f"/api/agents/{spot.agent_id}"
    assert ask(proxy, f"{agent}/config", Authorization=f"Bearer {TOKEN}").status == 200
    assert ask(proxy, f"{agent}/replicas", Authorization=f"Bearer {TOKEN}").status == 200
    assert ask(proxy, f"{agent}/replicas", X_Forwarded_User="ada", X_Admin_Proxy_Secret=SECRET).status == 401
