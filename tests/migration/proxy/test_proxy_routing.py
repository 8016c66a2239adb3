"""The ledger decides which side serves a request."""

from __future__ import annotations

import json

import pytest
from front import Front
from werkzeug.test import Client

from migration.ledger import Ledger, Match, RoutingTable, State
from migration.ledger.rollout import promote, roll_back
from migration.proxy import Proxy, ProxySettings, Served
from tests.migration.proxy.conftest import FrontMaker
from tests.support.waiting import eventually


def is_native(front: Front, method: str, target: str) -> bool:
    return b'"side": "native"' in front.request(method, target).read()


@pytest.mark.parametrize(
    ("method", "target", "native"),
    [
        ("GET", "/native/x", True),
        ("GET", "/native/x?y=1", True),
        ("POST", "/native/x", True),
        ("GET", "/native/%78", True),
        ("GET", "/%6eative/x", True),
        ("DELETE", "/native/x", False),
        ("GET", "/native/x%2Fy", False),
        ("GET", "/native/x/", False),
        ("GET", "/native", False),
        ("GET", "/mixed", True),
        ("POST", "/mixed", False),
        ("OPTIONS", "/native/x", True),
        ("OPTIONS", "/mixed", False),
        ("GET", "/unknown", False),
    ],
)
def test_owners(front: Front, method: str, target: str, native: bool) -> None:
    assert is_native(front, method, target) is native


def test_the_native_side_reads_its_own_body(front: Front) -> None:
    answer = json.loads(front.request("POST", "/native/x", b"x" * 100_000).read())
    assert answer["size"] == 100_000


def test_a_running_server_follows_the_ledger(front: Front, proxy_ledger: Ledger) -> None:
    promote(proxy_ledger, "test", ["POST /mixed"], who="tests", why="to see it move")
    eventually(lambda: is_native(front, "POST", "/mixed"), 1.0)
    roll_back(proxy_ledger, "test", ["POST /mixed"], who="tests", why="to see it come back")
    eventually(lambda: not is_native(front, "POST", "/mixed"), 1.0)


def test_all_workers_follow_the_ledger(make_front: FrontMaker, proxy_ledger: Ledger) -> None:
    front = make_front("in-process", "--workers=3", "--preload")
    assert not is_native(front, "POST", "/mixed")
    promote(proxy_ledger, "test", ["POST /mixed"], who="tests", why="to see it move")
    eventually(lambda: all(is_native(front, "POST", "/mixed") for _ in range(12)), 1.0)
    roll_back(proxy_ledger, "test", ["POST /mixed"], who="tests", why="to tidy up")


class Table:
    """A routing table source with one route, ``GET /a``, owned by ``state``."""

    def __init__(self, state: State) -> None:
        self._state = state

    def table(self) -> RoutingTable:
        state = self._state

        class OneRoute(RoutingTable):
            def match(self, method: str, path: str) -> Match | None:
                return Match("/a", state) if (method, path) == ("GET", "/a") else None

        return OneRoute()


def side(name: str):  # type: ignore[no-untyped-def]
    def app(environ, start_response):  # type: ignore[no-untyped-def]
        start_response("200 OK", [("Content-Type", "text/plain"), ("X-Peer", environ.get("REMOTE_ADDR", ""))])
        return [name.encode()]

    return app


def test_legacy_may_live_in_this_process() -> None:
    client = Client(Proxy(side("native"), side("legacy"), Table(State.NATIVE)))
    assert (client.get("/a").text, client.get("/b").text) == ("native", "legacy")


def test_without_an_upstream_the_rest_is_a_502() -> None:
    client = Client(Proxy(side("native"), None, Table(State.NATIVE)))
    assert client.get("/a").text == "native"
    answer = client.get("/b", headers={"X-Request-ID": "r-7"})
    assert (answer.status_code, answer.json["code"], answer.json["request_id"]) == (502, "upstream_missing", "r-7")  # type: ignore[index]


def test_answers_don_t_tell_who_gave_them_unless_wanted() -> None:
    assert "X-Cutover-Owner" not in Client(Proxy(side("n"), side("l"), Table(State.NATIVE))).get("/a").headers
    told = Client(Proxy(side("n"), side("l"), Table(State.NATIVE), settings=ProxySettings(expose_owner=True)))
    assert told.get("/a").headers["X-Cutover-Owner"] == "native"
    assert told.get("/b").headers["X-Cutover-Owner"] == "legacy"


def test_every_answer_is_told_to_the_listener() -> None:
    told: list[Served] = []
    client = Client(Proxy(side("n"), None, Table(State.NATIVE), on_served=told.append))
    for method in ("GET", "POST"):
        client.open("/a", method=method).close()
    assert [(served.owner, served.method, served.rule, served.status) for served in told] == [
        (State.NATIVE, "GET", "/a", 200),
        (State.LEGACY, "POST", None, 502),
    ]
    assert all(served.seconds >= 0 for served in told)


def test_the_client_s_address_is_believed_only_from_trusted_hops() -> None:
    claim = {"X-Forwarded-For": "6.6.6.6, 10.0.0.7"}
    peer = {"REMOTE_ADDR": "127.0.0.9"}
    plain = Client(Proxy(side("n"), None, Table(State.NATIVE)))
    assert plain.get("/a", headers=claim, environ_base=peer).headers["X-Peer"] == "127.0.0.9"
    trusting = Client(Proxy(side("n"), None, Table(State.NATIVE), settings=ProxySettings(trusted_hops=1)))
    assert trusting.get("/a", headers=claim, environ_base=peer).headers["X-Peer"] == "10.0.0.7"
