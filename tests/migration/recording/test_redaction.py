"""Which values count as secrets."""

from __future__ import annotations

import json

import pytest

from migration.recording.redaction import Redactor, names_secret


@pytest.mark.parametrize(
    "name",
    ["password", "client_token", "accessToken", "X-Api-Key", "apikey", "api-key", "secret", "clientSecret", "sessionId",
     "SESSION_ID", "new_password", "x-auth-token", "AWS_SECRET_ACCESS_KEY", "jwt", "master", "master_key"],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize(
    "name", ["max_tokens", "token_type", "keyboard", "secretary", "passwords_changed", "session", "is_master"]
)
def test_names_of_other_things(name: str) -> None:
    assert not names_secret(name)


def test_json_keeps_its_form() -> None:
    text = '{ "a" : [ {"token":"se\\"cr\\u00e9t"} ],\n "token": null, "token_count": 3, "b": "token" }'
    redacted = Redactor(b"salt").text(text, "application/json")
    pseudonym = Redactor(b"salt").pseudonym('se"crét')
    assert redacted == text.replace('se\\"cr\\u00e9t', pseudonym)


def test_calls_of_a_password_manager_keep_no_secret() -> None:
    redactor = Redactor()
    secrets = ["Correct-Horse-1!", "Battery-Staple-2!", "jo3MKymwZY2DcWYnBOI6weAvX8", "s3cret!", "DTzssryf3%oYNJ^W"]
    master, new_master, token, stored, made = secrets
    recorded = [
        json.dumps({"action": action, "parameters": parameters})
        for action, parameters in (
            ("setup", {"password": master, "confirm_password": master}),
            ("change_master", {"old_password": master, "new_password": new_master, "token": token}),
            ("store", {"service": "example.org", "username": "ann", "password": stored, "token": token}),
        )
    ]
    recorded.append(json.dumps({"success": True, "data": {"unlocked": True, "token": token}}))
    recorded.append(json.dumps({"success": True, "data": {"password": made, "length": 16, "strength": "strong"}}))
    redacted = [redactor.text(text, "application/json") for text in recorded]
    assert not [secret for secret in secrets for text in redacted if secret in text]
    # A replay still sees that the calls carry the token that unlock answered.
    assert json.loads(redacted[2])["parameters"]["token"] == json.loads(redacted[3])["data"]["token"]


def test_multipart_fields() -> None:
    text = '--b\r\nContent-Disposition: form-data; name="password"\r\n\r\nhunter22\r\n--b\r\nContent-Disposition: form-data; name="x"\r\n\r\ny\r\n--b--\r\n'  # noqa: E501
    redactor = Redactor(b"salt")
    assert redactor.text(text, "multipart/form-data; boundary=b") == text.replace(
        "hunter22", redactor.pseudonym("hunter22")
    )


def test_short_values_are_not_searched_for_elsewhere() -> None:
    redactor = Redactor(b"salt")
    redactor.pseudonym("get")
    assert redactor.url("http://h/widget") == "http://h/widget"


def test_a_header_without_a_scheme() -> None:
    redactor = Redactor(b"salt")
    assert redactor.headers((("Authorization", "bare-token-1"),)) == (
        ("Authorization", redactor.pseudonym("bare-token-1")),
    )
