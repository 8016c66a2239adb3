"""Which values count as secrets."""

from __future__ import annotations

import pytest

from migration.recording.redaction import Redactor, names_secret


@pytest.mark.parametrize(
    "name",
    ["password", "client_token", "accessToken", "X-Api-Key", "apikey", "api-key", "secret", "clientSecret", "sessionId",
     "SESSION_ID", "new_password", "x-auth-token", "AWS_SECRET_ACCESS_KEY", "jwt"],
)  # fmt: skip
def test_names_of_secrets(name: str) -> None:
    assert names_secret(name)


@pytest.mark.parametrize("name", ["max_tokens", "token_type", "keyboard", "secretary", "passwords_changed", "session"])
def test_names_of_other_things(name: str) -> None:
    assert not names_secret(name)


def test_json_keeps_its_form() -> None:
    text = '{ "a" : [ {"token":"se\\"cr\\u00e9t"} ],\n "token": null, "token_count": 3, "b": "token" }'
    redacted = Redactor(b"salt").text(text, "application/json")
    pseudonym = Redactor(b"salt").pseudonym('se"crét')
    assert redacted == text.replace('se\\"cr\\u00e9t', pseudonym)


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
