"""Several domains under gunicorn: in one process by host and by prefix, and in processes of their own."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from legacy import shim
from migration.ledger import Ledger, State
from migration.ledger.rollout import promote
from tests.support.cli import ROOT
from tests.support.serving import Answer, Server, serving
from tests.support.waiting import eventually

PLACES = "spot,spot=spot.example.org,assistant=/assistant,assistant=assistant.example.org"


def environment(directory: Path, **others: str) -> dict[str, str]:
    return {
        "SPOT_DATABASE_URL": f"sqlite:///{directory / 'spot.sqlite3'}",
        "ASSISTANT_DATABASE_URL": f"sqlite:///{directory / 'assistant.sqlite3'}",
        "DATA_DIR": str(directory / "data"),
        "SECURITY_ALLOWED_HOSTS": "127.0.0.1,assistant.example.org",
        "CUTOVER_LEDGER_URL": f"sqlite:///{directory / 'ledger.sqlite3'}",
        "CUTOVER_EXPOSE_OWNER": "yes",
        "CUTOVER_DOMAINS": PLACES,
        **others,
    }


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Both domains in one process; spot with its bundled monolith."""
    directory = tmp_path_factory.mktemp("both")
    with serving("wsgi:application", directory, environment(directory), workers=1) as server:
        yield server


def owner(answer: Answer) -> str | None:
    return answer.headers.get("X-Cutover-Owner")


def await_ready(server: Server, path: str, status: int = 200, **headers: str) -> dict[str, Any]:
    answer = eventually(lambda: server.request("GET", path, **headers), until=lambda answer: answer.status == status)
    checks: dict[str, Any] = answer.json["checks"]
    return checks


class TestOneProcess:
    def test_the_first_domain_gets_what_belongs_to_no_other(self, both: Server) -> None:
        answer = both.request("GET", "/health")
        assert (answer.status, owner(answer), answer.json["status"]) == (200, "legacy", "healthy")
        assert owner(both.request("GET", "/assistants")) == "legacy"
        assert owner(both.request("GET", "/health", host="spot.example.org")) == "legacy"

    @pytest.mark.parametrize(
        ("path", "host"), [("/assistant/openapi.json", "127.0.0.1"), ("/openapi.json", "assistant.example.org")]
    )
    def test_the_other_one_is_at_its_prefix_and_at_its_host(self, both: Server, path: str, host: str) -> None:
        assert both.request("GET", path, host=host).json["info"]["title"] == "Assistant"
        assert both.request("GET", "/openapi.json", host="anything.org").json["info"]["title"] == "Spot"

    def test_its_description_says_below_which_prefix_its_paths_are(self, both: Server) -> None:
        assert both.request("GET", "/assistant/openapi.json").json["servers"] == [{"url": "/assistant"}]
        assert "servers" not in both.request("GET", "/openapi.json", host="assistant.example.org").json

    @pytest.mark.parametrize(("path", "host"), [("/assistant/nope", "127.0.0.1"), ("/nope", "assistant.example.org")])
    def test_without_an_old_side_unknown_paths_are_the_new_sides_own(self, both: Server, path: str, host: str) -> None:
        answer = both.request("GET", path, host=host)
        assert (answer.status, owner(answer)) == (404, "native")

    def test_each_answers_for_itself_and_the_default_place_for_the_process(self, both: Server) -> None:
        of_assistant = await_ready(both, "/assistant/readyz")
        assert {"database", "migrations"} <= set(of_assistant)
        assert set(await_ready(both, "/readyz", host="spot.example.org")) == {"database", "migrations"}
        checks = await_ready(both, "/readyz")
        assert {f"assistant.{name}" for name in of_assistant} | {"spot.database", "spot.migrations"} == set(checks)
        assert both.request("GET", "/healthz").json == {"status": "alive"}
        assert both.request("GET", "/assistant/healthz").json == {"status": "alive"}

    def test_figures_of_the_process_are_valid_and_tell_the_domain(self, both: Server) -> None:
        text = both.request("GET", "/metrics").body.decode()
        assert 'backend_job_owned{domain="spot",job="agent-health"} 0.0' in text
        types = [line for line in text.splitlines() if line.startswith("# TYPE")]
        assert len(types) == len(set(types))
        assert "backend_job_owned" not in both.request("GET", "/assistant/metrics").body.decode()

    def test_one_ledger_holds_the_rows_of_both(self, both: Server) -> None:
        ledger = Ledger(f"sqlite:///{both.log.parent / 'ledger.sqlite3'}")
        assert {route.state for route in ledger.routes("spot")} == {State.LEGACY}
        assert {(route.state, route.native_available) for route in ledger.routes("assistant")} == {(State.NATIVE, True)}
        promote(ledger, "spot", ["GET /health"], who="tests", why="to see it move")
        eventually(lambda: owner(both.request("GET", "/health")) == "native", 5.0)


class TestReadinessOfAProcess:
    def test_a_database_file_that_is_moved_away_is_one_domains_trouble(self, tmp_path: Path) -> None:
        with serving("wsgi:application", tmp_path, environment(tmp_path), workers=1) as server:
            await_ready(server, "/readyz")
            file = tmp_path / "assistant.sqlite3"
            away = file.rename(tmp_path / "away.sqlite3")
            checks = await_ready(server, "/readyz", 503)
            assert checks["assistant.database"]["error"] == "The database's file does not exist."
            assert checks["spot.database"]["state"] == "ready"
            await_ready(server, "/assistant/readyz", 503)
            await_ready(server, "/readyz", 200, host="spot.example.org")
            assert server.request("GET", "/healthz").status == 200
            away.rename(file)
            await_ready(server, "/readyz")

    def test_a_revision_that_is_missing_is_too(self, tmp_path: Path) -> None:
        with serving("wsgi:application", tmp_path, environment(tmp_path), workers=2) as server:
            await_ready(server, "/readyz")
            with sqlite3.connect(tmp_path / "spot.sqlite3", timeout=30) as connection:
                connection.execute("UPDATE alembic_version SET version_num = '0001'")
            checks = await_ready(server, "/readyz", 503)
            assert checks["spot.migrations"]["error"].startswith("The database is at revision 0001; revision ")
            assert checks["assistant.migrations"]["state"] == "ready"


ECHO = """
import json
def app(environ, start_response):
    path = environ["RAW_URI"]
    location = {"/absolute": "/there", "/full": f"http://{environ['HTTP_HOST']}/there?a=1", "/else": "http://else.org/x"}
    headers = [("Content-Type", "application/json")]
    if path in location:
        headers.append(("Location", location[path]))
    start_response("302 Found" if path in location else "200 OK", headers)
    return [json.dumps({"target": path}).encode()]
"""


class TestUpstreams:
    @pytest.fixture
    def server(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
        """Both domains in one process, before an upstream of the assistant's own."""
        (tmp_path / "echo_upstream.py").write_text(ECHO)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        with (
            shim.serve("echo_upstream:app") as upstream,
            serving(
                "wsgi:application", tmp_path, environment(tmp_path, ASSISTANT_UPSTREAM=upstream), workers=1
            ) as server,
        ):
            yield server

    def test_a_domains_own_one_is_asked_without_the_prefix(self, server: Server) -> None:
        answer = server.request("GET", "/assistant/no/such%2Froute?q=%20")
        assert (owner(answer), answer.json["target"]) == ("legacy", "/no/such%2Froute?q=%20")
        assert server.request("GET", "/%61ssistant/no/x").json["target"] == "/no/x"
        assert server.request("GET", "/nope", host="assistant.example.org").json["target"] == "/nope"
        assert owner(server.request("GET", "/health")) == "legacy"
        for path, location in {
            "/absolute": "/assistant/there",
            "/full": f"http://127.0.0.1:{server.port}/assistant/there?a=1",
            "/else": "http://else.org/x",
        }.items():
            assert server.request("GET", f"/assistant{path}").headers["Location"] == location
        assert server.request("GET", "/absolute", host="assistant.example.org").headers["Location"] == "/there"


def test_each_domain_may_have_a_process_of_its_own(tmp_path: Path) -> None:
    shared = environment(tmp_path)
    del shared["CUTOVER_DOMAINS"]
    with (
        serving("wsgi:application", tmp_path, {**shared, "CUTOVER_DOMAIN": "spot"}, workers=1) as spot,
        serving(
            "wsgi:application", tmp_path, {**shared, "CUTOVER_DOMAIN": "assistant"}, workers=1, ready="/healthz"
        ) as assistant,
    ):
        assert owner(spot.request("GET", "/health")) == "legacy"
        assert assistant.request("GET", "/openapi.json").json["info"]["title"] == "Assistant"
        unknown = assistant.request("GET", "/nope")
        assert (unknown.status, owner(unknown)) == (404, "native")
        assert set(await_ready(spot, "/readyz")) == {"database", "migrations"}
        assert "database" in await_ready(assistant, "/readyz")
        ledger = Ledger(shared["CUTOVER_LEDGER_URL"])
        assert len(ledger.routes("spot")) == 63
        assert ledger.routes("assistant")


class TestRefusals:
    @pytest.mark.parametrize(
        ("settings", "complaint"),
        [
            ({"ASSISTANT_LOG_LEVEL": "x"}, "the domain assistant can't be served: ASSISTANT_LOG_LEVEL must be one of"),
            ({"SPOT_JOB_LEASE_SECONDS": "x"}, "the domain spot can't be served: SPOT_JOB_LEASE_SECONDS must be"),
            ({"MODEL_DIR": "/dev/null/models"}, "the domain spot can't be served: MODEL_DIR names /dev/null/models"),
            (
                {"SPOT_DATABASE_URL": "sqlite:////dev/null/var/spot.sqlite3"},
                "the domain spot can't be served: DATABASE_URL names a file in /dev/null/var, which can't be made",
            ),
            ({"SPOT_DATABASE_URL": "sqlite://"}, "SPOT_DATABASE_URL must be a database URL such as"),
            ({"RATE_LIMIT_STORAGE_URL": "redis://:secret@host:port/0"}, "RATE_LIMIT_STORAGE_URL must be memory://"),
            ({"CUTOVER_READ_TIMEOUT": "1e300"}, "CUTOVER_READ_TIMEOUT must be a number of seconds above 0, at most"),
            ({"CUTOVER_DOMAINS": "spot,assistant"}, "CUTOVER_DOMAINS gives assistant no place"),
            (
                {"ASSISTANT_UPSTREAM": "ftp://old"},
                "the domain assistant can't be served: ASSISTANT_UPSTREAM can't be used: ftp:// is no way to reach",
            ),
            (
                {"ASSISTANT_UPSTREAM": "json:loads"},
                "ASSISTANT_UPSTREAM can't be used: json:loads is not a WSGI application: it can't be called with",
            ),
            ({"CUTOVER_UPSTREAM": "json:loads"}, "CUTOVER_UPSTREAM can't be used: json:loads is not a WSGI app"),
            (
                {"DATA_DIR": "/dev/null/data"},
                "the domain assistant can't be served: DATA_DIR names /dev/null/data, in which this process can't",
            ),
            (
                {"SECURITY_ALLOWED_HOSTS": "127.0.0.1,a b"},
                "SECURITY_ALLOWED_HOSTS must be names of hosts without ports, divided by commas, such as 127.0.0.1,"
                "localhost, not 'a b'",
            ),
            (
                {"DATABASE_URL": "sqlite:////tmp/x", "SPOT_DATABASE_URL": "sqlite:////tmp/x"},
                "spot and assistant can't share a database: set ASSISTANT_DATABASE_URL to another one.",
            ),
        ],
    )
    def test_a_domain_that_cannot_be_served_stops_the_start_and_is_named(
        self, tmp_path: Path, settings: dict[str, str], complaint: str
    ) -> None:
        given = environment(tmp_path, **settings)
        if "DATABASE_URL" in settings:
            del given["ASSISTANT_DATABASE_URL"]
        assert complaint in start_error(given)

    def test_a_database_that_does_not_fit_is_told_without_a_traceback(self, tmp_path: Path) -> None:
        with sqlite3.connect(tmp_path / "spot.sqlite3") as connection:
            connection.execute("CREATE TABLE agents (id INTEGER)")
        assert "the domain spot can't be served: The database has tables of the baseline" in start_error(
            environment(tmp_path)
        )

    @pytest.mark.parametrize(
        ("variable", "url", "complaint"),
        [
            ("SPOT_DATABASE_URL", "mysql://u:secret@db/x", "DATABASE_URL needs the driver pymysql"),
            ("CUTOVER_LEDGER_URL", "postgresql://u:secret@db/x", "The ledger's database needs the driver psycopg"),
        ],
    )
    def test_a_driver_that_is_missing_is_named(self, tmp_path: Path, variable: str, url: str, complaint: str) -> None:
        for driver in ("pymysql", "psycopg"):
            (tmp_path / f"{driver}.py").write_text(f"raise ModuleNotFoundError('no {driver}', name='{driver}')")
        given = environment(tmp_path, **{variable: url}, PYTHONPATH=str(tmp_path))
        assert re.search(rf"{complaint}, which is not installed: pip install 'cutover\[\w+\]'\.$", start_error(given))

    def test_a_place_in_the_file_is_named(self, tmp_path: Path) -> None:
        file = tmp_path / "cutover.toml"
        given = environment(tmp_path, CUTOVER_CONFIG=str(file))
        del given["CUTOVER_DOMAINS"]
        for text, complaint in {
            "[cutover]\nread_timeout = 'soon'": f"read_timeout in [cutover] of {file} must be a number of seconds",
            "[cutover]\ndomains = 'spto'": f"domains in [cutover] of {file} names the domain 'spto', which is not",
            "[cutover]\nup_stream = 'x'": f"up_stream in [cutover] of {file} is not known; did you mean upstream?",
            "[cutover]\ndomain = 'assistant'\n[assistant]\nlog_levels = 'x'": f"log_levels in [assistant] of {file}",
        }.items():
            file.write_text(text)
            assert complaint in start_error(given)


def start_error(environ: dict[str, str]) -> str:
    """What a process says that can't start."""
    done = subprocess.run(
        [sys.executable, "-c", "import wsgi"],
        cwd=ROOT, env={**os.environ, **environ}, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode == 4, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = [line for line in done.stderr.splitlines() if line.startswith("Cutover can't start: ")]
    return line


def test_the_file_configures_both_sides_and_the_proxy(tmp_path: Path) -> None:
    file = tmp_path / "cutover.toml"
    file.write_text(
        f"""
        log_level = "ERROR"
        [cutover]
        domains = ["spot=spot.example.org", "assistant=/assistant"]
        ledger_url = "sqlite:///{tmp_path}/ledger.sqlite3"
        expose_owner = true
        [spot]
        database_url = "sqlite:///{tmp_path}/spot.sqlite3"
        [assistant]
        database_url = "sqlite:///{tmp_path}/assistant.sqlite3"
        data_dir = "{tmp_path}/data"
        """
    )
    with serving("wsgi:application", tmp_path, {"CUTOVER_CONFIG": str(file)}, workers=1) as server:
        assert owner(server.request("GET", "/health")) == "legacy"
        assert owner(server.request("GET", "/assistant/openapi.json")) == "native"
        await_ready(server, "/readyz")
        assert server.request("GET", "/api/admin/stats").status == 200
    assert (tmp_path / "ledger.sqlite3").exists()
    with sqlite3.connect(tmp_path / "spot.sqlite3") as connection:
        assert connection.execute("SELECT COUNT(*) FROM clients").fetchone() == (0,)


def test_the_command_line_of_flask_reaches_every_domain(tmp_path: Path) -> None:
    def flask(app: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "flask", "--app", app, *arguments],
            cwd=ROOT,
            env={**os.environ, **environment(tmp_path)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    assert "agent-health" in flask("wsgi:native", "jobs", "list").stdout
    assert "0001" in flask("wsgi:native_app('assistant')", "db", "current").stdout
    unknown = flask("wsgi:native_app('voice')", "db", "current")
    assert unknown.returncode != 0
    assert "voice is not served here; served are: spot, assistant" in unknown.stderr
