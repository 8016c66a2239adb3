"""Each request is counted once, by route and owner, and has one id everywhere."""

from __future__ import annotations

import gc
import json
import logging
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, Response
from werkzeug.test import Client, create_environ

from backend.core.app import new_app
from backend.core.observing import observe
from backend.core.request_context import CurrentRequest, carried, current_request
from backend.core.settings import Settings
from migration.ledger import Match, RoutingTable, State
from migration.proxy import Proxy
from tests.support.figures import Figures, label_values, parsed, total

REQUESTS = "cutover_http_requests_total"


@pytest.fixture
def app(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Flask]:
    """An application of a domain of its own, which logs into files."""
    domain = f"toy{abs(hash(request.node.nodeid))}"
    made = new_app(domain, Settings.from_environment(domain, {"LOG_DIR": str(tmp_path), "LOG_LEVEL": "INFO"}))

    @made.get("/things/<int:thing>")
    def thing(thing: int) -> str:
        made.logger.warning("looked at")
        return str(thing)

    @made.get("/streamed")
    def streamed() -> Response:
        def pieces() -> Iterator[str]:
            yield "one"
            made.logger.warning("between pieces")
            yield "two"

        return Response(pieces())

    @made.get("/threaded")
    def threaded() -> str:
        for work in (carried(made.logger.warning), made.logger.info):
            thread = threading.Thread(target=work, args=("in a thread",))
            thread.start()
            thread.join()
        return "done"

    observe(made)
    yield made
    for handler in list(logging.getLogger("backend").handlers):
        if getattr(handler, "domain", None) == domain:
            logging.getLogger("backend").removeHandler(handler)
            handler.close()


def domain_of(app: Flask) -> str:
    return str(app.extensions["domain"])


def figures(app: Flask) -> Figures:
    return parsed(Client(app).get("/metrics").text)


def lines(app: Flask, directory: Path, name: str = "{}.log") -> list[dict[str, Any]]:
    text = (directory / name.format(domain_of(app))).read_text()
    return [json.loads(line) for line in text.splitlines()]


class Table:
    """One route of the ledger, owned by ``state``."""

    def __init__(self, state: State) -> None:
        self._state = state

    def table(self) -> RoutingTable:
        state = self._state

        class OneRoute(RoutingTable):
            def match(self, method: str, path: str) -> Match | None:
                return Match("/things/<int:thing>", state) if path.startswith("/things/") else None

        return OneRoute()


def legacy(environ: dict[str, Any], start_response: Any) -> list[bytes]:
    start_response("200 OK", [("Content-Type", "text/plain")])
    return [environ.get("HTTP_X_REQUEST_ID", "none").encode()]


def behind_proxy(app: Flask, state: State, old: Any = legacy) -> Client:
    proxy = Proxy(app, old, Table(state), native_only=["/metrics"], domain=domain_of(app))
    return Client(app.extensions["observer"].around(proxy))


class TestAlone:
    def test_paths_are_counted_by_their_rule(self, app: Flask) -> None:
        for thing in range(30):
            Client(app).get(f"/things/{thing}")
        found = figures(app)
        labels = {"method": "GET", "route": "/things/<int:thing>", "owner": "native", "domain": domain_of(app)}
        assert total(found, REQUESTS, **labels, status="200") == 30
        assert total(found, "cutover_http_request_duration_seconds_count", **labels) == 30
        assert 0 < total(found, "cutover_http_request_duration_seconds_sum", **labels) < 30

    def test_what_nobody_knows_is_one_label(self, app: Flask) -> None:
        for name in range(20):
            Client(app).get(f"/wp-admin/{name}.php")
            Client(app).open(f"/{name}", method=f"M{name}")
        found = figures(app)
        assert label_values(found, REQUESTS, "route") <= {"unknown", "/metrics"}
        assert label_values(found, REQUESTS, "method") == {"GET", "OTHER"}
        assert total(found, REQUESTS, route="unknown") == 40

    def test_other_domains_are_not_shown(self, app: Flask) -> None:
        Client(app).get("/things/1")
        assert {dict(labels)["domain"] for _name, labels in figures(app)} == {domain_of(app)}


@pytest.mark.parametrize(("state", "owner"), [(State.NATIVE, "native"), (State.LEGACY, "legacy")])
class TestBehindTheProxy:
    def test_each_request_is_counted_once(self, app: Flask, state: State, owner: str) -> None:
        client = behind_proxy(app, state)
        for _ in range(3):
            client.get("/things/1")
        client.get("/elsewhere")
        found = parsed(client.get("/metrics").text)
        assert total(found, REQUESTS) == 4
        assert total(found, REQUESTS, route="/things/<int:thing>", owner=owner, status="200") == 3
        assert total(found, REQUESTS, route="unknown", owner="legacy") == 1
        assert total(parsed(client.get("/metrics").text), REQUESTS, route="/metrics", owner="native") == 1

    def test_it_is_logged_once(self, app: Flask, state: State, owner: str, tmp_path: Path) -> None:
        behind_proxy(app, state).get("/things/1?secret=1", headers={"X-Request-ID": "caller-1"})
        (line,) = [line for line in lines(app, tmp_path) if line["message"] == "request"]
        del line["timestamp"]
        assert line.pop("duration_ms") >= 0
        assert line == {
            "level": "INFO", "logger": "backend.requests", "message": "request", "request_id": "caller-1",
            "method": "GET", "route": "/things/<int:thing>", "path": "/things/1", "status": 200,
            "domain": domain_of(app), "owner": owner,
        }  # fmt: skip

    @pytest.mark.parametrize(("offered", "kept"), [("caller-1", True), ("bad id\u00e9", False), ("", False)])
    def test_its_id_is_the_same_everywhere(
        self, app: Flask, state: State, owner: str, offered: str, kept: bool
    ) -> None:
        answer = behind_proxy(app, state).get("/things/1", headers={"X-Request-ID": offered})
        (shown,) = answer.headers.getlist("X-Request-ID")
        assert (shown == offered) is kept
        if owner == "legacy":
            assert answer.text == shown


def test_an_id_that_the_old_side_answers_stays(app: Flask) -> None:
    def old(_environ: dict[str, Any], start_response: Any) -> list[bytes]:
        start_response("200 OK", [("x-request-id", "its-own-1")])
        return [b""]

    answer = behind_proxy(app, State.LEGACY, old).get("/things/1", headers={"X-Request-ID": "caller-1"})
    assert answer.headers.getlist("X-Request-ID") == ["its-own-1"]


def test_a_failure_outside_of_every_application_is_a_500_with_an_id(app: Flask, tmp_path: Path) -> None:
    sent = "s3cr3t-value"

    def broken(_environ: dict[str, Any], _start_response: Any) -> list[bytes]:
        raise KeyError(sent)

    answer = behind_proxy(app, State.LEGACY, broken).get("/things/1", headers={"X-Request-ID": "caller-1"})
    assert (answer.status_code, answer.headers["X-Request-ID"]) == (500, "caller-1")
    (failure,) = lines(app, tmp_path, "{}-error.log")
    assert (failure["request_id"], failure["level"]) == ("caller-1", "ERROR")
    assert "KeyError" in failure["exc_info"]
    assert "s3cr3t" not in json.dumps(failure)
    assert total(figures(app), REQUESTS, status="500", owner="legacy") == 1


@pytest.mark.parametrize(
    ("path", "message"), [("/things/1", "looked at"), ("/streamed", "between pieces"), ("/threaded", "in a thread")]
)
def test_every_record_of_a_request_names_it(app: Flask, tmp_path: Path, path: str, message: str) -> None:
    with Client(app).get(path, headers={"X-Request-ID": "caller-1"}) as answer:
        assert answer.text
    app.logger.warning("afterwards")
    written = lines(app, tmp_path)
    (told,) = [line for line in written if line["message"] == message and line["level"] == "WARNING"]
    assert (told["request_id"], told["path"], told["domain"]) == ("caller-1", path, domain_of(app))
    (after,) = [line for line in written if line["message"] == "afterwards"]
    assert "request_id" not in after


def test_a_body_that_is_left_half_read_names_its_request_no_more(app: Flask) -> None:
    """Else it would when the garbage collector comes by: CPython 3.11 may crash then."""
    another = CurrentRequest("another", "another", {})
    body = iter(app(create_environ("/streamed"), lambda *_: None))
    assert next(body) == b"one"
    before = current_request.set(another)
    try:
        del body
        gc.collect()
        assert current_request.get() is another
    finally:
        current_request.reset(before)


def test_work_that_is_not_carried_names_no_request(app: Flask, tmp_path: Path) -> None:
    Client(app).get("/threaded", headers={"X-Request-ID": "caller-1"})
    (other,) = [line for line in lines(app, tmp_path) if line["message"] == "in a thread" and line["level"] == "INFO"]
    assert "request_id" not in other


def test_a_gauge_is_read_when_somebody_asks(app: Flask) -> None:
    queue = {("urgent",): 3}
    app.extensions["gauges"].add("toy_queue", "Waiting.", lambda: queue, ["kind"])
    app.extensions["gauges"].add("toy_broken", "Never known.", lambda: 1 / 0)
    assert total(figures(app), "toy_queue", kind="urgent") == 3
    queue["urgent",] = 4
    found = figures(app)
    assert total(found, "toy_queue", kind="urgent", domain=domain_of(app)) == 4
    assert "toy_broken" not in {name for name, _ in found}
    with pytest.raises(ValueError, match="toy_queue"):
        app.extensions["gauges"].add("toy_queue", "Again.", lambda: 0)


def test_each_domain_logs_from_its_own_level_on(app: Flask, tmp_path: Path) -> None:
    """Made later, a domain that is to log less does not silence the others."""
    quiet = f"{domain_of(app)}quiet"
    other = new_app(quiet, Settings.from_environment(quiet, {"LOG_DIR": str(tmp_path), "LOG_LEVEL": "ERROR"}))
    other.add_url_rule("/things/<int:thing>", "thing", lambda thing: other.logger.warning("looked at") or str(thing))
    observe(other)
    try:
        for each in (app, other):
            assert Client(each).get("/things/1").status_code == 200
    finally:
        for handler in list(logging.getLogger("backend").handlers):
            if getattr(handler, "domain", None) == quiet:
                logging.getLogger("backend").removeHandler(handler)
                handler.close()

    assert [line["message"] for line in lines(app, tmp_path)] == ["looked at", "request"]
    assert lines(other, tmp_path) == []
