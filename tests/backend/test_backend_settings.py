"""What the environment may say, and what is answered to the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from backend.core.settings import Settings, SettingsError


def read(**environment: str) -> Settings:
    return Settings.from_environment("spot", environment)


def test_everything_has_a_default(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    settings = read()
    assert settings.database_url.database == str(tmp_path / "var" / "spot.sqlite3")
    assert settings.auto_migrate
    assert settings.pool_size == 10
    assert settings.busy_timeout >= 30
    assert settings.max_body_bytes == 104857600


def test_the_variable_of_the_domain_comes_first() -> None:
    settings = read(DATABASE_URL="sqlite:////a", SPOT_DATABASE_URL="sqlite:////b")
    assert settings.database_url.database == "/b"


@pytest.mark.parametrize("scheme", ["mysql", "mysql+pymysql", "mariadb"])
def test_servers_are_reached_by_one_driver_and_not_migrated_at_start(scheme: str) -> None:
    settings = read(DATABASE_URL=f"{scheme}://u:p@host:3306/db?unix_socket=/run/db.sock")
    assert settings.database_url.drivername == "mysql+pymysql"
    assert settings.database_url.query["unix_socket"] == "/run/db.sock"
    assert not settings.auto_migrate


@pytest.mark.parametrize(
    ("variable", "value", "allowed"),
    [
        ("SPOT_DATABASE_URL", "oracle://x", "a database URL such as"),
        ("DATABASE_URL", "nonsense", "a database URL such as"),
        ("SPOT_AUTO_MIGRATE", "perhaps", "one of 1, true"),
        ("DATABASE_POOL_SIZE", "0", "a whole number from 1 to 1000"),
        ("DATABASE_POOL_SIZE", "many", "a whole number from 1 to 1000"),
        ("DATABASE_POOL_TIMEOUT", "-1", "a number of seconds from 0.1 to 600"),
        ("SPOT_DATABASE_BUSY_TIMEOUT", "nan", "a number of seconds from 0.1 to 600"),
        ("MAX_BODY_BYTES", "10", "a whole number from 1024"),
        ("LOG_LEVEL", "chatty", "one of DEBUG, INFO"),
    ],
)
def test_a_value_that_is_not_allowed_stops_the_start(variable: str, value: str, allowed: str) -> None:
    with pytest.raises(SettingsError) as stopped:
        read(**{variable: value})
    text = str(stopped.value)
    assert text.startswith(f"{variable} must be {allowed}")
    assert text.endswith(".")
    assert "\n" not in text


def test_a_refused_address_is_not_repeated_because_it_may_hold_a_password() -> None:
    with pytest.raises(SettingsError) as stopped:
        read(DATABASE_URL="oracle://user:secret@host/db")
    assert "secret" not in str(stopped.value)
