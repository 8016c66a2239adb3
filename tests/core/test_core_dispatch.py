"""Several applications behind one door: who gets a request, and how it sees it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask, jsonify, redirect, request, url_for
from werkzeug.test import Client, EnvironBuilder, run_wsgi_app

from backend.core.dispatch import Dispatch, Mounted, below
from backend.core.places import Places


def app(name: str) -> Flask:
    made = Flask(name)
    made.add_url_rule("/", "root", lambda: jsonify(app=name, root=request.script_root, path=request.path))
    made.add_url_rule("/x/<path:rest>", "any", lambda rest: jsonify(app=name, root=request.script_root, path=rest))
    made.add_url_rule("/to", "to", lambda: redirect(url_for("any", rest="y")))
    made.add_url_rule("/slash/", "slash", lambda: "slash")
    made.add_url_rule("/readyz", "readyz", lambda: f"of {name}")
    return made


@pytest.fixture
def client() -> Client:
    return client_of("spot=spot.example.org,assistant=/assistant,assistant=a.example.org,voice=/assistant/voice")


def client_of(text: str, hops: int = 0) -> Client:
    names = ("spot", "assistant", "voice")
    places = Places.read(text, names)
    apps = {name: Mounted(app(name)) for name in names}
    return Client(Dispatch(places, apps, {"/readyz": app("the process")}, hops))


@pytest.mark.parametrize(
    ("host", "path", "seen"),
    [
        ("anything", "/", ("spot", "", "/")),
        ("anything", "/assistant", ("assistant", "/assistant", "/")),
        ("anything", "/assistant/", ("assistant", "/assistant", "/")),
        ("anything", "/assistant/x/a%2Fb%20c", ("assistant", "/assistant", "a/b c")),
        ("anything", "/%61ssistant/x/a", ("assistant", "/assistant", "a")),
        ("anything", "/assistant/voice/x/1", ("voice", "/assistant/voice", "1")),
        ("A.example.org:8000", "/x/assistant", ("assistant", "", "assistant")),
        ("a.example.org.", "/", ("assistant", "", "/")),
        ("spot.example.org", "/", ("spot", "", "/")),
    ],
)
def test_the_host_counts_first_then_the_longest_prefix(
    client: Client, host: str, path: str, seen: tuple[str, str, str]
) -> None:
    answer = client.get(path, headers={"Host": host})
    assert (answer.json["app"], answer.json["root"], answer.json["path"]) == seen


@pytest.mark.parametrize("path", ["/assistants", "/ASSISTANT/x/a", "/assistant.x"])
def test_what_only_looks_like_a_prefix_belongs_to_the_default(client: Client, path: str) -> None:
    assert client.get(path).status_code == 404
    assert client.get("/spot.example.org").status_code == 404


def test_redirects_lead_below_the_prefix(client: Client) -> None:
    assert client.get("/assistant/to").location == "/assistant/x/y"
    assert client.get("/assistant/slash").location == "http://localhost/assistant/slash/"
    assert client.get("/to").location == "/x/y"


def test_operations_of_the_default_place_are_for_the_whole_process(client: Client) -> None:
    assert client.get("/readyz").text == "of the process"
    assert client.get("/readyz", headers={"Host": "spot.example.org"}).text == "of spot"
    assert client.get("/assistant/readyz").text == "of assistant"


def test_the_host_that_a_trusted_proxy_saw_counts() -> None:
    text = "spot,assistant=a.example.org"
    forwarded = {"X-Forwarded-Host": "evil.example.org, a.example.org"}
    assert client_of(text, hops=1).get("/", headers=forwarded).json["app"] == "assistant"
    assert client_of(text).get("/", headers=forwarded).json["app"] == "spot"
    assert client_of(text, hops=2).get("/", headers=forwarded).json["app"] == "spot"
    assert client_of(text, hops=3).get("/", headers={"Host": "a.example.org"}).json["app"] == "assistant"


@pytest.mark.parametrize(
    ("raw", "path", "inner"),
    [
        ("/assistant/a%2Fb?q=1", "/assistant/a/b", "/a%2Fb?q=1"),
        ("/assistant", "/assistant", "/"),
        ("/assistant?q=1", "/assistant", "/?q=1"),
        ("/%61ssistant/x", "/assistant/x", None),
        ("/assistant%2Fx", "/assistant/x", None),
        ("http://h/assistant/x", "/assistant/x", None),
    ],
)
def test_what_is_forwarded_goes_without_the_prefix(raw: str, path: str, inner: str | None) -> None:
    seen = below({"PATH_INFO": path, "RAW_URI": raw, "REQUEST_URI": raw}, "/assistant")
    assert seen.get("RAW_URI") == seen.get("REQUEST_URI") == inner


def test_the_servers_own_environ_is_left_alone() -> None:
    environ: dict[str, Any] = EnvironBuilder("/assistant/x/1").get_environ()
    before = dict(environ)
    serve: Callable[..., Any] = client_of("spot,assistant=/assistant").application
    run_wsgi_app(serve, environ)
    assert {key: environ[key] for key in before if not key.startswith("wsgi.")} == {
        key: value for key, value in before.items() if not key.startswith("wsgi.")
    }
