"""Secrets: what is masked, what stays readable, and that none reaches any report."""

from __future__ import annotations

import json
import re

import pytest

from migration.compare.verdict import Difference, Kind
from migration.recording.exchange import Request
from migration.report.formats import write_report
from migration.report.secrets import Masker, is_secret, pseudonyms
from tests.migration.report.replayed import OTHER_TOKEN, TOKEN, report_of, response, run, typical_run, verdict

STAND_IN = re.compile("••••[0-9a-f]{4}")


@pytest.fixture
def masker() -> Masker:
    return Masker(pseudonyms())


@pytest.mark.parametrize(
    "name",
    [
        "password",
        "Password",
        "client_token",
        "apiKey",
        "api_key",
        "X-API-Key",
        "access-token",
        "clientSecret",
        "token",
        "Proxy-Authorization",
    ],
)
def test_names_of_secrets(name):
    assert is_secret(name)


@pytest.mark.parametrize("name", ["tokens", "total_tokens", "token_count", "name", "key", "monkey", "secretary"])
def test_names_of_other_things(name):
    assert not is_secret(name)


def test_equal_secrets_have_equal_stand_ins_and_unequal_ones_unequal_ones(masker):
    first, again, other = (masker.value({"token": value})["token"] for value in ("one-secret", "one-secret", "other"))
    assert STAND_IN.fullmatch(first)
    assert first == again != other


def test_stand_ins_of_two_reports_can_not_be_compared():
    values = {Masker(pseudonyms()).value({"password": "1234"})["password"] for _ in range(8)}
    assert len(values) > 1


def test_masks_credentials_and_cookies_but_shows_their_form(masker):
    masked = dict(
        masker.headers(
            (
                ("Authorization", "Bearer abc.def-123"),
                ("Cookie", "sid=s3cr3t-1; theme=dark"),
                ("Set-Cookie", "sid=s3cr3t-2; Path=/; HttpOnly"),
                ("X-Api-Key", "k-123456"),
                ("Accept", "text/html"),
            )
        )
    )
    assert re.fullmatch("Bearer ••••[0-9a-f]{4}", masked["Authorization"])
    assert re.fullmatch("sid=••••[0-9a-f]{4}; theme=••••[0-9a-f]{4}", masked["Cookie"])
    assert re.fullmatch("sid=••••[0-9a-f]{4}; Path=/; HttpOnly", masked["Set-Cookie"])
    assert STAND_IN.fullmatch(masked["X-Api-Key"])
    assert masked["Accept"] == "text/html"


def test_masks_json_at_any_depth_and_keeps_what_is_no_value(masker):
    masked = masker.value({"a": [{"password": "p"}], "token": {"inner": ["x", 7, None, True, ""]}, "n": 1})
    assert STAND_IN.fullmatch(masked["a"][0]["password"])
    inner = masked["token"]["inner"]
    assert STAND_IN.fullmatch(inner[0]) and STAND_IN.fullmatch(inner[1])
    assert inner[2:] == [None, True, ""]
    assert masked["n"] == 1


def test_masks_parameters_of_the_query_and_of_the_route(masker):
    assert re.fullmatch(
        "/t/••••[0-9a-f]{4}/x\\?api_key=••••[0-9a-f]{4}&page=2",
        masker.target("/t/my-token/x?api_key=k%20k&page=2", "GET /t/<client_token>/x"),
    )


@pytest.mark.parametrize(
    "text",
    [
        '{"token": "hunter2-secret", ',
        "failed: password=hunter2-secret&x=1",
        "sent Authorization: Bearer hunter2-secret",
        'name="password"\r\n\r\nhunter2-secret\r\n--',
        "mysql://root:hunter2-secret@db/x",
    ],
)
def test_masks_secrets_in_text(masker, text):
    masked = masker.text(text)
    assert "hunter2" not in masked
    assert STAND_IN.search(masked)


@pytest.mark.parametrize("text", ["Invalid token: expired", "Missing client_token", "Bearer authentication required"])
def test_leaves_prose_alone(masker, text):
    assert masker.text(text) == text


def test_masks_a_known_secret_where_nothing_names_it(masker):
    masker.headers((("Authorization", "Bearer my-secret-value"),))
    assert "my-secret" not in masker.text("no agent for my-secret-value here")


def test_masks_differences_by_their_location(masker):
    assert STAND_IN.fullmatch(masker.at("body.rows[3].client_token", "abc"))
    assert STAND_IN.fullmatch(masker.at('body["api key"].x-api-key', "abc"))
    assert "abc123" not in masker.at("header.set-cookie", "sid=abc123")
    assert masker.at("body.rows[3].name", "abc") == "abc"


def test_no_secret_reaches_any_report(tmp_path):
    sent = Request(
        "POST",
        "/api/agents/x?token=query-secret-1",
        (("Authorization", f"Bearer {TOKEN}"), ("Cookie", "sid=cookie-secret-2"), ("Content-Type", "text/plain")),
        b'broken {"password": "body-secret-3"',
    )
    leaking = verdict(
        90,
        "POST /api/agents/<agent_id>",
        sent,
        response(
            {"error": f"unknown {TOKEN}", "api_key": "answer-secret-4"}, headers=[("Set-Cookie", "s=set-secret-5")]
        ),
        response({"error": f"unknown {OTHER_TOKEN}", "client_token": OTHER_TOKEN}),
        label=f"call with {TOKEN}",
        differences=(
            Difference("body.error", Kind.VALUE, f"unknown {TOKEN}", f"unknown {OTHER_TOKEN}", f"not {TOKEN}"),
            Difference(f"body.{TOKEN}.x", Kind.ADDED, candidate=1),
            Difference("body", Kind.BODY, {TOKEN: 1, "api_key": "answer-secret-4"}, "query-secret-1"),
        ),
        session=TOKEN,
    )
    failing = verdict(91, error=f"connect to http://u:url-secret-6@host failed for Bearer {TOKEN}")
    report = report_of([*typical_run()[:-1], *run([leaking, failing])[3:]])
    for path in write_report(report, tmp_path):
        text = path.read_text()
        assert "unknown" in text
        assert not re.findall(r"[a-z]+-secret-\d", text), path.name
        assert TOKEN not in text and OTHER_TOKEN not in text, path.name
    first = json.loads((tmp_path / "report.json").read_text())["differences"][-3]
    assert STAND_IN.search(first["control"]).group() != STAND_IN.search(first["candidate"]).group()
