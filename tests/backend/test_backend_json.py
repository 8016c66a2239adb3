"""Rows are written by a faster encoder, byte for byte as everything else is."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from backend.core.json_provider import AnyJSON, WireJSONProvider

ROWS = [
    *([], {}, [{"b": 1, "a": None, "c": True}], "é", "\x7f", '\x00\b\f\n\t"\\/', "\ud800", "🙂"),
    *(0.1, -0.0, 1e22, 1.5e300, 5e-324, 123456789012345680.0, 2**70, -(2**63)),
    *(0.0001, 0.00012, 1e-05, 1.25e-07, 1e-09, 1e-10, [1e-06, 2], {"a": 1e-06}),
    *(datetime(2026, 1, 2, 3, 4, 5), datetime(2026, 1, 2, 3, 4, 5, 60), date(2026, 1, 2), Decimal("0.0125")),
    {"x-5": "e-5,", "id": "0b0e7a3c-5c0c-4e3c-9d3e-2f6f6c1f8a11", "price": 0.0125},
]


@pytest.mark.parametrize("rows", ROWS, ids=repr)
def test_the_same_bytes(rows: Any) -> None:
    app = Flask("test")
    provider = WireJSONProvider(app)
    fast, usual = provider.response_of_rows([rows]), provider.response([rows])
    assert (fast.data, fast.content_type) == (usual.data, usual.content_type)


@pytest.mark.parametrize("value", [*ROWS, float("nan"), {"b": float("-inf"), "a": [1e16, "é"]}], ids=repr)
def test_the_same_bytes_of_any_json(value: Any) -> None:
    app = Flask("test")
    provider = WireJSONProvider(app)
    rows = [{"tags": AnyJSON(value), "id": 1}]
    assert provider.response_of_rows(rows).data == provider.response([{"tags": value, "id": 1}]).data


def test_what_cannot_be_written_is_refused_as_ever() -> None:
    app = Flask("test")
    with pytest.raises(TypeError, match="not JSON serializable"):
        WireJSONProvider(app).response_of_rows([object()])
