"""Which route a request belongs to, as werkzeug would say, and who serves it."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from migration.ledger import Match, Route, RoutingTable, State

LEGACY, NATIVE = State.LEGACY, State.NATIVE


def table(*owned: tuple[str, str, State]) -> RoutingTable:
    now = datetime.now(UTC)
    return RoutingTable(
        Route(number, "spot", method, rule, state, True, now, "", "")
        for number, (method, rule, state) in enumerate(owned)
    )


def test_literals_beat_placeholders() -> None:
    routes = table(("GET", "/api/client/<client_id>", LEGACY), ("GET", "/api/client/validate", NATIVE))
    assert routes.match("GET", "/api/client/validate") == Match("/api/client/validate", NATIVE)
    assert routes.match("GET", "/api/client/42") == Match("/api/client/<client_id>", LEGACY)


def test_a_literal_without_the_method_falls_through_to_the_placeholder() -> None:
    routes = table(("GET", "/clients/growth", LEGACY), ("DELETE", "/clients/<client_id>", NATIVE))
    assert routes.match("DELETE", "/clients/growth") == Match("/clients/<client_id>", NATIVE)


@pytest.mark.parametrize("path", ["/nowhere", "/api/agents", "/api/agents//config", "/api/agents/1/config/", ""])
def test_unknown_paths_match_nothing(path: str) -> None:
    assert table(("GET", "/api/agents/<agent_id>/config", NATIVE)).match("GET", path) is None


def test_an_unlisted_method_matches_nothing() -> None:
    assert table(("GET", "/health", NATIVE)).match("POST", "/health") is None


def test_methods_of_one_rule_have_owners_of_their_own() -> None:
    routes = table(("GET", "/a/<x>", NATIVE), ("POST", "/a/<other_name>", LEGACY))
    assert (routes.match("GET", "/a/1"), routes.match("POST", "/a/1")) == (
        Match("/a/<x>", NATIVE),
        Match("/a/<other_name>", LEGACY),
    )


def test_head_follows_get() -> None:
    routes = table(("GET", "/a", NATIVE), ("POST", "/b", NATIVE))
    assert routes.match("HEAD", "/a") == Match("/a", NATIVE)
    assert routes.match("HEAD", "/b") is None


def test_options_is_native_when_all_methods_are() -> None:
    routes = table(("GET", "/a", NATIVE), ("POST", "/a", LEGACY), ("GET", "/b", NATIVE), ("POST", "/b", NATIVE))
    assert routes.match("OPTIONS", "/a") == Match("/a", LEGACY)
    assert routes.match("OPTIONS", "/b") == Match("/b", NATIVE)


def test_converters_decide_as_in_werkzeug() -> None:
    routes = table(("GET", "/x/<int:n>", NATIVE), ("GET", "/x/<name>", LEGACY), ("GET", "/files/<path:p>", NATIVE))
    assert routes.match("GET", "/x/7") == Match("/x/<int:n>", NATIVE)
    assert routes.match("GET", "/x/seven") == Match("/x/<name>", LEGACY)
    assert routes.match("GET", "/files/a/b/c") == Match("/files/<path:p>", NATIVE)


def test_a_converter_of_the_application_itself_matches_one_segment() -> None:
    routes = table(("GET", "/x/<agent:agent_id>/y", NATIVE))
    assert routes.match("GET", "/x/anything/y") == Match("/x/<agent:agent_id>/y", NATIVE)


def test_a_rule_that_can_not_be_compiled_does_not_spoil_the_others() -> None:
    routes = table(("GET", "/x/<id>/<id>", NATIVE), ("GET", "/y", NATIVE))
    assert routes.match("GET", "/y") == Match("/y", NATIVE)
