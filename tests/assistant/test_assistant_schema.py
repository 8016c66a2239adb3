"""What the assistant says of itself: its tables are those of its models, and its routes keep to their description."""

from __future__ import annotations

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, given, settings
from openapi_spec_validator import validate
from schemathesis import Case
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    status_code_conformance,
)
from sqlalchemy import create_engine, inspect

from backend import create_app
from backend.assistant.models import Base
from backend.core.settings import Settings
from tests.assistant.tools import Tools

CHECKS = [status_code_conformance, content_type_conformance, response_headers_conformance]
TAGS = (
    *("root", "shell", "llm", "openai", "tailor-packs", "screen-calls"),
    *("tool-finance", "tool-time-tracking", "tool-password", "tool-music", "tool-screen"),
)


def test_a_migrated_database_has_the_tables_of_the_models(tools: Tools) -> None:
    there = inspect(create_engine(tools.url))
    assert set(there.get_table_names()) - {"alembic_version"} >= Base.metadata.tables.keys()
    for table in Base.metadata.tables.values():
        columns = {
            column["name"]: (column["nullable"], bool(column["primary_key"]))
            for column in there.get_columns(table.name)
        }
        assert columns == {column.name: (column.nullable, column.primary_key) for column in table.columns}
        indexes = {index["name"]: index["column_names"] for index in there.get_indexes(table.name)}
        assert indexes == {index.name: [column.name for column in index.columns] for index in table.indexes}
        unique = {tuple(sorted(key["column_names"])) for key in there.get_unique_constraints(table.name)}
        named = (key for key in table.constraints if key.__visit_name__ == "unique_constraint")
        assert unique == {tuple(sorted(column.name for column in key.columns)) for key in named}


def test_the_description_is_valid(tools: Tools) -> None:
    description = tools.app.test_client().get("/openapi.json", base_url="http://127.0.0.1").json
    validate(description)
    operations = [
        found for methods in description["paths"].values() for name, found in methods.items() if name != "parameters"
    ]
    assert {tag for operation in operations for tag in operation.get("tags", ["none"])} == set(TAGS)
    assert all(operation["summary"] for operation in operations)


@pytest.fixture(scope="module")
def app(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The assistant with an empty database, no display, and a vault that costs little."""
    directory = tmp_path_factory.mktemp("described")
    (directory / "catalog").mkdir()
    environment = {
        "ASSISTANT_DATABASE_URL": f"sqlite:///{directory / 'assistant.sqlite3'}",
        "DATA_DIR": str(directory / "data"),
        "LOG_LEVEL": "ERROR",
        "VAULT_ARGON2_MEMORY_KIB": "19456",
        "VAULT_ARGON2_PASSES": "2",
        "VAULT_ARGON2_LANES": "1",
        "TAILOR_PACKS_CATALOG": str(directory / "catalog"),
    }
    return create_app("assistant", Settings.from_environment("assistant", environment))


@pytest.mark.parametrize("tag", TAGS)
def test_nothing_breaks(app: Flask, tag: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    schema = schemathesis.openapi.from_wsgi("/openapi.json", app)
    operations = [result.ok() for result in schema.include(tag=tag).get_all_operations()]
    assert operations
    # A tool is one operation with an alternative for each of its actions.
    examples = 150 if tag.startswith("tool-") else 40
    for operation in operations:

        @settings(
            max_examples=examples,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        )
        @given(case=operation.as_strategy())
        def holds(case: Case) -> None:
            response = case.call()
            case.validate_response(response, checks=CHECKS)
            assert response.status_code < 500 or response.status_code == 503, (case.body, response.content)

        holds()
