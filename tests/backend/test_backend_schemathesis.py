"""Whatever the description allows is sent to the living application: nothing breaks that the contract keeps whole."""

from __future__ import annotations

import json
import re

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis import Case
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    status_code_conformance,
)

from tests.backend.conftest import Spot

#: 500 stands in the contract for these: values that a column refuses, and values of the wrong kind where they are used.
PROMISED = re.compile(
    r"(1048|1054|1064|1264|1265|1292|1364|1366|1406|1452|1062) \(\w{5}\): "
    r"|Python type \w+ cannot be converted"
    r"|(400 Bad Request|413 Request Entity Too Large|415 Unsupported Media Type): "
    r"|'[\w.]+' object (has no attribute|is not (subscriptable|iterable)|cannot be)"
    r"|unsupported operand type|'[<>]=?' not supported between|invalid literal for int|int\(\) argument must be"
    r"|argument of type '\w+' is not iterable|could not convert string to float|must be real number"
    r"|'\w+'$"
)


CHECKS = [status_code_conformance, content_type_conformance, response_headers_conformance]
TAGS = (
    *("agents", "replicas", "clients", "client_agents", "client_instances", "notifications"),
    *("admin", "admin_clients", "models", "health"),
)


@pytest.mark.parametrize("tag", TAGS)
def test_nothing_breaks(spot: Spot, tag: str) -> None:
    schema = schemathesis.openapi.from_wsgi("/openapi.json", spot.app)
    operations = [result.ok() for result in schema.include(tag=tag).get_all_operations()]
    assert operations
    for operation in operations:

        @settings(
            max_examples=15, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck)
        )
        @given(case=operation.as_strategy())
        def holds(case: Case) -> None:
            check(case, spot)

        holds()


def check(case: Case, spot: Spot) -> None:
    """Send one case for the agent that exists; its answer is one that is described, and whole."""
    if "agent_id" in case.path_parameters:
        case.path_parameters["agent_id"] = spot.agent_id
    response = case.call(headers=spot.headers)
    case.validate_response(response, checks=CHECKS)
    if response.status_code >= 500:
        content_type = response.headers.get("content-type", [""])[0]
        assert is_promised(content_type, response.content), (case.formatted_path, case.body, response.content)


def test_every_route_belongs_to_a_tag_that_is_tried(bare: Spot) -> None:
    paths = bare.http.get("/openapi.json").json["paths"]
    operations = [found for methods in paths.values() for name, found in methods.items() if name != "parameters"]
    tags = {tag for operation in operations for tag in operation.get("tags", ["none"])}
    assert tags <= set(TAGS)


def is_promised(content_type: str, body: bytes) -> bool:
    """Whether the contract has this failure: a page without a word, or a text that says what was wrong."""
    if content_type.startswith("text/html"):
        return b"<title>500 Internal Server Error</title>" in body
    answer = json.loads(body)
    return answer.get("success") is False or bool(PROMISED.search(answer.get("error", "")))
