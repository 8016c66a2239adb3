"""The password manager as clients see it."""

from __future__ import annotations

import io
import json
import logging
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from backend import create_app
from backend.core.settings import Settings, SettingsError
from tests.assistant.vaults import CHEAP, MASTER, OTHER_MASTER, sessions_of, wrong_many_times

Call = Callable[..., TestResponse]


def application(directory: Path, **settings: str) -> Flask:
    database = f"sqlite:///{directory / 'assistant.sqlite3'}"
    environment = {"DATABASE_URL": database, "AUTO_MIGRATE": "true", "DATA_DIR": str(directory), **CHEAP, **settings}
    return create_app("assistant", Settings.from_environment("assistant", environment))


def calling(app: Flask) -> Call:
    http = app.test_client()

    def call(action: str, **parameters: Any) -> TestResponse:
        return http.post("/api/tools/password", json={"action": action, "parameters": parameters})

    return call


@pytest.fixture(autouse=True)
def no_sessions_left(tmp_path: Path) -> Iterator[None]:
    yield
    shutil.rmtree(sessions_of(tmp_path), ignore_errors=True)


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    return application(tmp_path)


@pytest.fixture
def call(app: Flask) -> Call:
    return calling(app)


def data(answer: TestResponse) -> Any:
    assert answer.status_code == 200, answer.text
    assert answer.json["success"] is True
    return answer.json["data"]


def test_generating_needs_no_vault_and_keeps_its_shape(call: Call) -> None:
    answer = call("generate")
    assert list(answer.json) == ["success", "data", "message", "timestamp"]
    assert answer.json["message"] == "Password action 'generate' processed"
    made = data(answer)
    assert list(made) == ["password", "length", "strength"]
    assert (len(made["password"]), made["length"], made["strength"]) == (16, 16, "strong")
    longer = data(call("generate", length=24, include_symbols=False))
    assert longer["password"].isalnum() and (longer["length"], longer["strength"]) == (24, "strong")
    assert data(call("generate", length=4))["strength"] == "weak"
    digits = data(call("generate", length=256, include_symbols=0, include_upper="", include_lower=None))
    assert digits["password"].isdecimal() and len(digits["password"]) == 256


@pytest.mark.parametrize("length", [0, -1, 3, 257, 10**30, "16", 16.0, 1.5, True, None, [16], {}])
def test_impossible_lengths_are_refused(call: Call, length: Any) -> None:
    answer = call("generate", length=length)
    assert answer.status_code == 422
    assert answer.json["detail"][0]["loc"] == ["body", "parameters", "length"]


def test_a_password_of_no_characters_at_all_is_refused(call: Call) -> None:
    answer = call("generate", include_symbols=False, include_digits=False, include_upper=False, include_lower=False)
    assert answer.status_code == 422
    assert "at least one class" in answer.json["detail"][0]["msg"]


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("store", {"service": "example.org", "username": "ann", "password": "s3cret!"}),
        ("retrieve", {"service": "example.org"}),
        ("list", {}),
        ("delete", {"service": "example.org"}),
    ],
)
def test_a_locked_vault_says_what_to_do(call: Call, action: str, parameters: dict[str, Any]) -> None:
    answer = call(action, **parameters)
    assert answer.status_code == 423
    assert answer.json == {"detail": "The vault is locked: call unlock with the master password first"}
    assert call("unlock", password=MASTER).json == {
        "detail": "The vault is not set up: call setup with a master password first"
    }


def test_the_life_of_an_entry(call: Call) -> None:
    token = data(call("setup", password=MASTER, confirm_password=MASTER))["token"]
    stored = call("store", service="example.org", username="ann", password="s3cret!", notes="cat", token=token)
    assert data(stored)["created"] is True
    assert "s3cret" not in stored.text
    again = data(call("store", service="example.org", username="ann", password="n3w!", token=token))
    assert again["created"] is False and again["has_notes"] is True
    found = data(call("retrieve", service="example.org", token=token))
    assert list(found) == ["service", "username", "password", "url", "notes", "created_at", "updated_at"]
    assert (found["password"], found["notes"]) == ("n3w!", "cat")

    made = call("store", service="example.org", username="bob", generate=True, length=20, url="https://b", token=token)
    assert (data(made)["generated"], data(made)["strength"]) == (True, "strong")
    assert "password" not in data(made)
    assert call("retrieve", service="example.org", token=token).status_code == 409
    secret = data(call("retrieve", service="example.org", username="bob", token=token))["password"]
    assert len(secret) == 20

    listing = call("list", token=token)
    assert [entry["username"] for entry in data(listing)["entries"]] == ["ann", "bob"]
    assert secret not in listing.text and "n3w!" not in listing.text and "cat" not in listing.text
    assert data(call("list", search="HTTPS://B", token=token))["total"] == 1
    page = data(call("list", limit=1, offset=1, token=token))
    assert (page["count"], page["total"], page["entries"][0]["username"]) == (1, 2, "bob")

    renamed = call("update", service="example.org", username="bob", new_username="ann", token=token)
    assert renamed.status_code == 409
    data(call("update", service="example.org", username="bob", new_service="example.net", notes="n", token=token))
    moved = data(call("retrieve", service="example.net", token=token))
    assert (moved["password"], moved["url"], moved["notes"]) == (secret, "https://b", "n")
    assert data(call("delete", service="example.org", token=token))["deleted"] is True
    assert call("delete", service="example.org", token=token).status_code == 404
    assert data(call("list", token=token))["total"] == 1


def test_a_master_password_is_set_once_and_changed_with_the_old_one(call: Call) -> None:
    weak = call("setup", password="abc")
    assert (weak.status_code, weak.json) == (400, {"detail": "Password must be at least 8 characters long"})
    assert call("setup", password=MASTER, confirm_password="x").json == {"detail": "Passwords do not match"}
    token = data(call("setup", password=MASTER))["token"]
    twice = call("setup", password=OTHER_MASTER)
    assert (twice.status_code, twice.json) == (409, {"detail": "Master password already set"})
    changes = {"old_password": MASTER, "new_password": OTHER_MASTER, "token": token}
    assert call("change_master", **changes, confirm_password="x").json == {"detail": "New passwords do not match"}
    assert call("change_master", **changes | {"old_password": "wrong"}).status_code == 401
    assert data(call("change_master", **changes)) == {"changed": True}
    assert call("unlock", password=MASTER).json == {"detail": "Invalid password"}
    assert data(call("unlock", password=OTHER_MASTER))["unlocked"] is True


def test_status_tells_no_secret_and_lock_needs_none(call: Call) -> None:
    token = data(call("setup", password=MASTER))["token"]
    status = data(call("status"))
    assert (status["set_up"], status["unlocked"], status["token_required"]) == (True, True, True)
    assert 1700 < status["locks_in_seconds"] <= 1800 and status["idle_timeout_seconds"] == 1800
    assert data(call("lock")) == {"unlocked": False}
    assert call("list", token=token).status_code == 423


def test_too_many_wrong_passwords_are_told_when_to_come_back(call: Call, tmp_path: Path) -> None:
    data(call("setup", password=MASTER))
    assert call("unlock", password="wrong").status_code == 401
    wrong_many_times(tmp_path / "vault")
    refused = call("unlock", password=MASTER)
    assert refused.status_code == 429
    assert 200 < int(refused.headers["Retry-After"]) <= 256


def test_no_token_where_the_setting_says_so(tmp_path: Path) -> None:
    call = calling(application(tmp_path, VAULT_REQUIRE_TOKEN="off"))
    data(call("setup", password=MASTER))
    data(call("store", service="example.org", username="ann", password="s3cret!"))
    assert data(call("retrieve", service="example.org"))["password"] == "s3cret!"
    data(call("lock"))
    assert call("retrieve", service="example.org").status_code == 423


def test_settings_below_the_floor_are_refused_at_the_start(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="VAULT_ARGON2_PASSES"):
        application(tmp_path, VAULT_ARGON2_PASSES="1")


SECRET = "hunter2-hunter2"


@pytest.mark.parametrize(
    "body",
    [
        {"action": "store", "parameters": {"username": "ann", "password": SECRET}},
        {
            "action": "store",
            "parameters": {"service": 1, "username": "ann", "password": [SECRET], "notes": {"a": SECRET}},
        },
        {"action": "store", "parameters": {"service": "s", "username": "ann", "password": SECRET, "generate": SECRET}},
        {"action": "store", "parameters": {"service": "s", "username": "ann", "password": SECRET * 100}},
        {"action": "store", "parameters": [SECRET]},
        {"action": "unlock", "parameters": {"password": {"is": SECRET}}},
        {"action": "unlock", "parameters": {"password": SECRET}},
        {"action": "setup", "parameters": {"password": SECRET}},
        {"action": "list", "parameters": {"token": SECRET}},
        {"action": ["store"], "parameters": {"password": SECRET}},
        {"parameters": {"password": SECRET}},
        SECRET,
    ],
)
def test_no_refusal_repeats_what_was_sent(app: Flask, call: Call, body: Any) -> None:
    data(call("setup", password=MASTER))
    for content_type in ("application/json", "text/plain"):
        answer = app.test_client().post("/api/tools/password", data=json.dumps(body), content_type=content_type)
        assert 400 <= answer.status_code < 500
        assert SECRET not in answer.text


def test_nothing_secret_is_logged(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    app = application(tmp_path, LOG_LEVEL="DEBUG")
    log = io.StringIO()
    for handler in logging.getLogger("backend").handlers:
        if isinstance(handler, logging.StreamHandler):
            monkeypatch.setattr(handler, "stream", log)
    call = calling(app)
    token = data(call("setup", password=MASTER))["token"]
    data(call("store", service="bank.example", username="annabel", password=SECRET, notes="Catterina", token=token))
    data(call("retrieve", service="bank.example", token=token))
    call("retrieve", service="bank.example", username="nobody", token=token)
    call("unlock", password=SECRET)
    (tmp_path / "vault/passwords.vault").write_bytes(b"")
    (tmp_path / "vault/passwords.vault.previous").write_bytes(b"")
    assert call("list", token=token).status_code == 503
    assert "/api/tools/password" in log.getvalue()
    for text in (MASTER, SECRET, token, "bank.example", "annabel", "Catterina"):
        assert text not in log.getvalue()


@pytest.mark.parametrize("text", ["\ud800", "\0", "\x00" * 20, "\U0001f511", "e\u0301" * 50])
def test_strange_texts_are_kept_or_refused_but_never_fail(call: Call, text: str) -> None:
    token = data(call("setup", password=MASTER))["token"]
    entry = {"service": text, "username": text, "password": text, "url": text, "notes": text}
    answer = call("store", **entry, token=token)
    if answer.status_code == 200:
        found = data(call("retrieve", service=text, token=token))
        assert {name: found[name] for name in entry} == entry
    else:
        assert answer.status_code == 422
    assert data(call("list", search="x", token=token))["total"] == 0
    assert call("unlock", password=text).status_code in (401, 422)
    assert call("list", token=text).status_code in (401, 422)


@pytest.mark.parametrize("library", ["argon2.low_level", "cryptography.hazmat.primitives.ciphers.aead"])
def test_without_its_libraries_it_names_the_extra(
    call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    monkeypatch.setitem(sys.modules, library, None)
    answer = call("setup", password=MASTER)
    assert answer.status_code == 503
    assert "pip install 'cutover[assistant]'" in answer.json["detail"]
    assert len(data(call("generate"))["password"]) == 16
    monkeypatch.undo()
    data(call("setup", password=MASTER))
