"""A monolith on an empty SQLite file, with its own directories, for each test."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from legacy.spot import create_app
from tests.legacy.spot_routes.server import Account, SpotServer


@pytest.fixture
def server(sqlite_template: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> SpotServer:
    path = shutil.copy(sqlite_template, tmp_path / "spot.sqlite3")
    monkeypatch.setenv("MODEL_DIR", str(tmp_path / "models"))
    monkeypatch.setenv("DECISION_ENGINE_DIR", str(tmp_path / "engines"))
    return SpotServer(create_app(f"sqlite:///{path}"))


@pytest.fixture
def acme(server: SpotServer) -> Account:
    return server.account("Acme")
