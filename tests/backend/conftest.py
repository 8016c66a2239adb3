"""An application on a fresh SQLite file, a client in it, and a registered agent."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from backend import create_app
from backend.core.settings import Settings
from tests.support.mariadb import MariaDB
from tests.support.postgres import PostgreSQL

TOKEN = "token-of-the-client"
REGISTRATION = {
    "client_token": TOKEN,
    "hostname": "host-1",
    "logical_agent_id": "agent-1",
    "instance_id": "i-1",
    "instance_type": "t3.medium",
    "region": "us-east-1",
    "az": "us-east-1a",
    "ami_id": "ami-1",
    "mode": "ondemand",
    "agent_version": "4.0.0",
    "private_ip": "10.0.0.1",
    "public_ip": "54.0.0.1",
}


def settings_for(url: str, **others: str) -> Settings:
    """Settings as they would be read from an environment that names this database."""
    return Settings.from_environment(
        "spot", {"DATABASE_URL": url, "AUTO_MIGRATE": "true", "LOG_LEVEL": "ERROR", **others}
    )


@dataclass
class Spot:
    """The system under test: its HTTP surface, and its database seen from outside."""

    app: Flask
    sql: Callable[..., list[dict[str, Any]]]
    client_id: str = "client-1"
    headers: dict[str, str] = field(default_factory=lambda: {"Authorization": f"Bearer {TOKEN}"})
    agent_id: str = ""

    @property
    def http(self) -> FlaskClient:
        return self.app.test_client()

    def told(self, **settings: str) -> Spot:
        """The same system on the same database with other settings."""
        url = self.app.extensions["settings"].database_url.render_as_string(hide_password=False)
        app = create_app("spot", settings_for(url, AUTO_MIGRATE="false", **settings))
        return replace(self, app=app)

    def add_client(self, client_id: str, token: str, *, active: int = 1) -> None:
        self.sql(
            "INSERT INTO clients (id, name, email, client_token, is_active) VALUES (?, ?, ?, ?, ?)",
            client_id,
            client_id,
            f"{client_id}@example.com",
            token,
            active,
        )

    def register(self, **changes: Any) -> TestResponse:
        return self.http.post("/api/agents/register", json={**REGISTRATION, **changes}, headers=self.headers)

    def post(self, what: str, body: Any = None, agent_id: str | None = None) -> TestResponse:
        url = f"/api/agents/{agent_id or self.agent_id}/{what}"
        return self.http.post(url, json={} if body is None else body, headers=self.headers)

    def get(self, what: str, agent_id: str | None = None) -> TestResponse:
        return self.http.get(f"/api/agents/{agent_id or self.agent_id}/{what}", headers=self.headers)

    def one(self, query: str, *values: Any) -> dict[str, Any]:
        (row,) = self.sql(query, *values)
        return row

    def agent(self) -> dict[str, Any]:
        return self.one("SELECT * FROM agents WHERE id = ?", self.agent_id)

    def end(self) -> None:
        """Wait for what is still to be written, while there is a database for it."""
        self.app.extensions["audit_behind"].end()


def sqlite_runner(path: Path, *, foreign_keys: bool = False) -> Callable[..., list[dict[str, Any]]]:
    def run(query: str, *values: Any) -> list[dict[str, Any]]:
        connection = sqlite3.connect(path, timeout=30)
        try:
            connection.execute(f"PRAGMA foreign_keys = {foreign_keys}")
            connection.row_factory = sqlite3.Row
            with connection:
                return [dict(row) for row in connection.execute(query, values).fetchall()]
        finally:
            connection.close()

    return run


def server_runner(server: MariaDB | PostgreSQL, url: str) -> Callable[..., list[dict[str, Any]]]:
    def run(query: str, *values: Any) -> list[dict[str, Any]]:
        with server.connect(url.rpartition("/")[2]) as connection, connection.cursor() as cursor:
            cursor.execute(query.replace("?", "%s"), values)
            names = [column[0] for column in cursor.description or ()]
            return [dict(zip(names, row, strict=True)) for row in (cursor.fetchall() if names else ())]

    return run


@dataclass(frozen=True)
class Database:
    """An empty database: its product, its address, and a way to look into it."""

    product: str
    url: str
    sql: Callable[..., list[dict[str, Any]]]


@pytest.fixture(params=["sqlite", "mariadb", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    """An empty database of each product."""
    if request.param == "sqlite":
        path = tmp_path / "database.sqlite3"
        return Database("sqlite", f"sqlite:///{path}", sqlite_runner(path, foreign_keys=True))
    server = request.getfixturevalue(request.param)
    url = server.create_database()
    return Database(request.param, url, server_runner(server, url))


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated database to copy: migrating once is enough."""
    path = tmp_path_factory.mktemp("template") / "spot.sqlite3"
    create_app("spot", settings_for(f"sqlite:///{path}"))
    run = sqlite_runner(path)
    run("PRAGMA wal_checkpoint(TRUNCATE)")
    return path


@pytest.fixture
def bare(tmp_path: Path, sqlite_template: Path) -> Iterator[Spot]:
    """The system with one client and nothing else."""
    path = tmp_path / "spot.sqlite3"
    path.write_bytes(sqlite_template.read_bytes())
    spot = Spot(create_app("spot", settings_for(f"sqlite:///{path}", AUTO_MIGRATE="false")), sqlite_runner(path))
    spot.add_client(spot.client_id, TOKEN)
    yield spot
    spot.end()


@pytest.fixture
def spot(bare: Spot) -> Spot:
    """The system with one client and its registered agent."""
    bare.agent_id = bare.register().json["agent_id"]
    return bare


def spot_on(server: MariaDB | PostgreSQL) -> Spot:
    """The system with one client and its registered agent, on a new database of `server`."""
    url = server.create_database()
    system = Spot(create_app("spot", settings_for(url)), server_runner(server, url))
    system.add_client(system.client_id, TOKEN)
    system.agent_id = system.register().json["agent_id"]
    return system


@pytest.fixture
def spot_on_mariadb(mariadb: MariaDB) -> Iterator[Spot]:
    """The same on MariaDB."""
    spot = spot_on(mariadb)
    yield spot
    spot.end()


@pytest.fixture
def spot_on_postgres(postgres: PostgreSQL) -> Iterator[Spot]:
    """The same on PostgreSQL."""
    spot = spot_on(postgres)
    yield spot
    spot.end()


@pytest.fixture(params=["mariadb", "postgres"])
def spot_on_server(request: pytest.FixtureRequest) -> Iterator[Spot]:
    """The same on each of the servers."""
    spot = spot_on(request.getfixturevalue(request.param))
    yield spot
    spot.end()
