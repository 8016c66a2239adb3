"""Statuses, the headers that matter, and bodies that aren't JSON."""

from __future__ import annotations

import hashlib

import pytest

from migration.recording.exchange import Response
from tests.support.comparing import Bench, json_answer

HTML = ("Content-Type", "text/html; charset=utf-8")


def test_status() -> None:
    assert Bench().answers(json_answer({}, 201), json_answer({}, 200)) == [("status", "status")]


@pytest.mark.parametrize(
    ("control", "candidate", "found"),
    [
        ([("Date", "x"), ("Server", "a")], [("Server", "b"), ("Connection", "close")], []),
        ([("Allow", "GET, POST")], [("allow", "post,get")], []),
        ([("Allow", "GET, POST")], [("Allow", "GET")], [("header.allow", "header")]),
        ([("Vary", "Origin")], [], [("header.vary", "header")]),
        ([], [("Access-Control-Allow-Origin", "*")], [("header.access-control-allow-origin", "header")]),
        ([("Cache-Control", "no-store")], [("Cache-Control", "no-cache")], [("header.cache-control", "header")]),
        ([("Location", "http://127.0.0.1:1/x")], [("Location", "http://localhost:2/x")], []),
        ([("Location", "/x")], [("Location", "/y")], [("header.location", "header")]),
        ([("Set-Cookie", "a=1; Path=/")], [("Set-Cookie", "a=1; Path=/; Secure")], [("header.set-cookie.a", "header")]),
        ([("Set-Cookie", "a=1")], [], [("header.set-cookie.a", "header")]),
    ],
)  # fmt: skip
def test_headers_that_matter(control: list, candidate: list, found: list) -> None:
    assert Bench().answers(json_answer({}, 200, *control), json_answer({}, 200, *candidate)) == found


@pytest.mark.parametrize(
    ("control", "candidate", "same"),
    [
        ("text/html; charset=utf-8", 'Text/HTML;charset="UTF-8"', True),
        ("text/html", "text/html; charset=utf-8", False),
        ("multipart/mixed; boundary=a", "multipart/mixed; boundary=b", True),
        ("application/json", "application/problem+json", False),
    ],
)
def test_content_types(control: str, candidate: str, same: bool) -> None:
    answers = (Response(200, (("Content-Type", kind),), b"1") for kind in (control, candidate))
    assert (Bench().answers(*answers) == []) is same


def test_a_session_cookie_is_bound() -> None:
    bench = Bench()
    first, other = "f3a9c27b81d4e650", "0b1c2d3e4f5a6978"
    answers = [json_answer({}, 200, ("Set-Cookie", f"sid={value}; HttpOnly")) for value in (first, other)]
    assert bench.answers(*answers) == []
    assert bench.bindings.candidate_of(first) == other


def test_a_redirect_to_what_the_body_names() -> None:
    bench = Bench(minted=lambda value: value == "ord_1a")
    control = json_answer({"ref": "ord_1a"}, 201, ("Location", "/orders/ord_1a"))
    assert bench.answers(control, json_answer({"ref": "ord_2b"}, 201, ("Location", "/orders/ord_2b"))) == []
    assert bench.answers(control, json_answer({"ref": "ord_2b"}, 201, ("Location", "/orders/ord_3c"))) != []


def test_pages_are_compared_as_text() -> None:
    page = Response(404, (HTML,), b"<h1>Not Found</h1>")
    assert Bench().answers(page, Response(404, (HTML,), b"<h1>Not Found</h1>")) == []
    assert Bench().answers(page, Response(404, (HTML,), b"<h1>Nothing</h1>")) == [("body", "body")]


def test_json_against_a_page() -> None:
    found = Bench().answers(json_answer({"error": "x"}), Response(200, (HTML,), b"<p>x</p>"))
    assert found == [("header.content-type", "header"), ("body", "body")]


def test_json_that_is_none_is_compared_as_text() -> None:
    broken = [Response(200, (("Content-Type", "application/json"),), text) for text in (b"{", b"{ ")]
    assert Bench().answers(broken[0], broken[0]) == []
    assert Bench().answers(*broken) == [("body", "body")]


def test_bytes_are_compared_as_bytes() -> None:
    image = Response(200, (("Content-Type", "image/png"),), b"\x89PNG\xff")
    assert Bench().answers(image, image) == []
    assert Bench().answers(image, Response(200, image.headers, b"\x89PNG\xfe")) == [("body", "body")]


def test_a_body_that_was_not_recorded_is_compared_by_its_hash() -> None:
    kind = (("Content-Type", "application/zip"),)
    recorded = Response(200, kind, digest=hashlib.sha256(b"whole").hexdigest())
    assert Bench().answers(recorded, Response(200, kind, b"whole")) == []
    assert Bench().answers(recorded, Response(200, kind, b"short")) == [("body", "body")]
