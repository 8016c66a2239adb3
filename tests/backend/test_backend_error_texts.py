"""What callers are told when something fails: about what they sent, and nothing about the inside."""

from __future__ import annotations

import logging

import pytest
from sqlalchemy.exc import OperationalError, ProgrammingError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from backend import create_app
from backend.core.database_errors import StatementRefusedError, UnsupportedValueError
from backend.core.errors import describe
from tests.backend.conftest import TOKEN, Spot, settings_for

DATABASE = "The database could not carry out the request"
SERVER = "The server could not carry out the request"


@pytest.mark.parametrize("number", [1048, 1054, 1062, 1064, 1205, 1213, 1264, 1265, 1292, 1364, 1366, 1406, 1451, 1452])
def test_what_is_wrong_with_values_is_told(number: int) -> None:
    assert describe(StatementRefusedError(number, "said")).startswith(f"{number} (")


@pytest.mark.parametrize("number", [1040, 1044, 1045, 1046, 1049, 1105, 1146, 1317, 1927, 2002, 2003, 2006, 2013, 3024])
def test_what_is_wrong_with_the_database_is_not(number: int) -> None:
    assert describe(StatementRefusedError(number, "secret.internal.example")) == DATABASE


@pytest.mark.parametrize(
    ("error", "text"),
    [
        (TypeError("unhashable type: 'dict'"), "unhashable type: 'dict'"),
        (AttributeError("'list' object has no attribute 'get'"), "'list' object has no attribute 'get'"),
        (KeyError("x"), "'x'"),
        (ValueError("nonsense"), "nonsense"),
        (UnsupportedValueError({}), "Python type dict cannot be converted"),
        (PoolTimeout("QueuePool limit of size 10"), "Failed getting connection; pool exhausted"),
        (OperationalError("SELECT secret", {"token": "s"}, Exception("host db.internal")), DATABASE),
        (ProgrammingError("SELECT secret", {}, Exception()), DATABASE),
        (OSError(2, "No such file", "/etc/secret"), SERVER),
        (RuntimeError("inside"), SERVER),
    ],
)
def test_other_errors(error: Exception, text: str) -> None:
    assert describe(error) == text


def test_a_missing_table_is_told_in_the_log_only(spot: Spot, caplog: pytest.LogCaptureFixture) -> None:
    spot.sql("DROP TABLE clients_daily_snapshot")
    assert told_in_the_log_only(spot, caplog, "/api/admin/clients/growth") == {"error": DATABASE}
    assert "clients_daily_snapshot" in caplog.text + str([vars(record) for record in caplog.records])


def test_on_mariadb_too(spot_on_mariadb: Spot, caplog: pytest.LogCaptureFixture) -> None:
    spot_on_mariadb.sql("DROP TABLE clients_daily_snapshot")
    assert told_in_the_log_only(spot_on_mariadb, caplog, "/api/admin/clients/growth") == {"error": DATABASE}
    assert "1146" in str([vars(record) for record in caplog.records])


def told_in_the_log_only(spot: Spot, caplog: pytest.LogCaptureFixture, path: str) -> object:
    logger = logging.getLogger("backend")
    logger.addHandler(caplog.handler)
    try:
        answer = spot.http.get(path)
    finally:
        logger.removeHandler(caplog.handler)
    assert answer.status_code == 500
    return answer.json


def test_no_token_gets_into_the_log(spot: Spot, caplog: pytest.LogCaptureFixture) -> None:
    """Not even when looking it up fails, and however it fails."""
    spot.sql("ALTER TABLE clients RENAME TO elsewhere")
    logger = logging.getLogger("backend")
    logger.addHandler(caplog.handler)
    try:
        assert spot.get("config").status_code == 500
    finally:
        logger.removeHandler(caplog.handler)
    assert "token check failed" in caplog.text
    assert TOKEN not in caplog.text + str([vars(record) for record in caplog.records])


@pytest.mark.parametrize("path", ["/api/admin/stats", "/api/client/x", "/api/notifications", "/health"])
def test_a_lost_database_is_not_named(path: str) -> None:
    lost = create_app("spot", settings_for("mysql://nobody@127.0.0.1:1/nothing", AUTO_MIGRATE="false"))
    answer = lost.test_client().get(path)
    assert answer.status_code == 500
    assert answer.json["error"] == DATABASE
