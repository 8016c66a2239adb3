"""The ledger keeps owners and history, and survives writers at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable

import pytest

from migration.ledger import Ledger, LedgerConflictError, LedgerError, LedgerUnavailableError, Route, State
from migration.ledger.rollout import promote, roll_back


def owner(ledger: Ledger, name: str) -> State:
    return find(ledger, name).state


def find(ledger: Ledger, name: str) -> Route:
    return next(route for route in ledger.routes("spot") if route.name == name)


def test_routes_start_with_legacy(ledger: Ledger) -> None:
    assert {route.state for route in ledger.routes("spot")} == {State.LEGACY}


def test_seeding_again_adds_and_changes_nothing(ledger: Ledger) -> None:
    promote(ledger, "spot", ["GET /health"], who="ada", why="equal")
    before = ledger.routes("spot")
    assert ledger.seed("spot", [("GET", "/health"), ("GET", "/api/agents/<id>/config")]) == []
    assert ledger.routes("spot") == before


def test_domains_are_apart(ledger: Ledger) -> None:
    ledger.seed("voice", [("GET", "/health")])
    promote(ledger, "spot", ["GET /health"], who="ada", why="equal")
    assert [route.state for route in ledger.routes("voice")] == [State.LEGACY]


def test_promotion_and_roll_back_are_in_the_history(ledger: Ledger) -> None:
    promote(ledger, "spot", ["GET /health"], who="ada", why="a week without differences")
    assert owner(ledger, "GET /health") is State.NATIVE
    roll_back(ledger, "spot", ["GET /health"], who="bob", why="slow")
    assert owner(ledger, "GET /health") is State.LEGACY
    assert [(c.name, c.before, c.after, c.who, c.why) for c in ledger.history("spot")] == [
        ("GET /health", State.NATIVE, State.LEGACY, "bob", "slow"),
        ("GET /health", State.LEGACY, State.NATIVE, "ada", "a week without differences"),
    ]


def test_a_pattern_promotes_what_native_implements_and_names_the_rest(ledger: Ledger) -> None:
    outcome = promote(ledger, "spot", ["/api/agents/*"], who="ada", why="equal")
    assert {change.rule for change in outcome.changes} == {
        "/api/agents/register",
        "/api/agents/<agent_id>/heartbeat",
        "/api/agents/<agent_id>/config",
    }
    assert {route.name for route in outcome.not_native} == {
        "GET /api/agents/<agent_id>/replicas",
        "POST /api/agents/<agent_id>/replicas",
    }


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("GET /api/agents/<agent_id>/config", "GET /api/agents/<agent_id>/config"),
        ("get /api/agents/{id}/config", "GET /api/agents/<agent_id>/config"),
        ("/health", "GET /health"),
        ("POST *heartbeat", "POST /api/agents/<agent_id>/heartbeat"),
    ],
)
def test_patterns(ledger: Ledger, pattern: str, name: str) -> None:
    outcome = promote(ledger, "spot", [pattern], who="ada", why="equal")
    assert [change.name for change in outcome.changes] == [name]


def test_promoting_twice_changes_nothing(ledger: Ledger) -> None:
    promote(ledger, "spot", ["GET /health"], who="ada", why="equal")
    outcome = promote(ledger, "spot", ["GET /health"], who="ada", why="equal")
    assert outcome.changes == ()
    assert [route.name for route in outcome.unchanged] == ["GET /health"]


def test_a_route_that_native_lacks_is_refused(ledger: Ledger) -> None:
    with pytest.raises(LedgerError, match="is not implemented by the native side"):
        promote(ledger, "spot", ["GET /health", "GET /api/agents/<id>/replicas"], who="ada", why="equal")
    assert owner(ledger, "GET /health") is State.LEGACY


@pytest.mark.parametrize(
    ("pattern", "suggestion"),
    [
        ("POST /api/agent/register", "POST /api/agents/register"),
        ("GET /helth", "GET /health"),
        ("POST /api/agents/42/heartbeat", "POST /api/agents/<agent_id>/heartbeat"),
        ("/api/client/valid", "GET /api/client/validate"),
    ],
)
def test_an_unknown_route_suggests_the_nearest(ledger: Ledger, pattern: str, suggestion: str) -> None:
    with pytest.raises(LedgerError, match="Did you mean") as refusal:
        promote(ledger, "spot", [pattern], who="ada", why="equal")
    assert suggestion in str(refusal.value)


def test_an_empty_ledger_says_how_to_fill_it(ledger_url: str) -> None:
    with pytest.raises(LedgerError, match="--seed SOURCE"):
        promote(Ledger(ledger_url), "spot", ["/health"], who="ada", why="equal")


def test_a_stale_view_of_a_route_changes_nothing(ledger: Ledger) -> None:
    stale = find(ledger, "GET /health")
    other = find(ledger, "POST /api/agents/register")
    ledger.move([(stale, State.NATIVE)], who="ada", why="equal")
    with pytest.raises(LedgerConflictError, match="GET /health was changed by somebody else"):
        ledger.move([(other, State.NATIVE), (stale, State.NATIVE)], who="bob", why="equal too")
    assert owner(ledger, other.name) is State.LEGACY
    assert len(ledger.history("spot")) == 1


def test_one_of_many_simultaneous_promotions_wins(ledger: Ledger, ledger_url: str) -> None:
    route = find(ledger, "GET /health")
    outcomes: list[str] = []

    def compete(who: str) -> None:
        try:
            Ledger(ledger_url).move([(route, State.NATIVE)], who=who, why="race")
            outcomes.append("won")
        except LedgerConflictError:
            outcomes.append("lost")

    run_together([lambda name=str(n): compete(name) for n in range(8)])  # type: ignore[misc]
    assert sorted(outcomes) == ["lost"] * 7 + ["won"]
    assert len(ledger.history("spot")) == 1


def test_workers_that_start_together_seed_once(ledger_url: str) -> None:
    keys = [("GET", f"/thing/{n}") for n in range(20)]
    run_together([lambda: Ledger(ledger_url).seed("spot", keys) for _ in range(6)])
    assert len(Ledger(ledger_url).routes("spot")) == 20


def test_availability_follows_the_native_side(ledger: Ledger) -> None:
    ledger.set_native("spot", [("GET", "/api/agents/<uuid:identifier>/config")])
    assert [route.name for route in ledger.routes("spot") if route.native_available] == [
        "GET /api/agents/<agent_id>/config"
    ]


@pytest.mark.parametrize("url", ["ledger.db", "oracle://x/y", "mysql+nodriver://x/y", ""])
def test_a_bad_url_is_refused_in_a_sentence(url: str) -> None:
    with pytest.raises(LedgerError, match=r"\.$"):
        Ledger(url)


def test_a_database_that_refuses_is_one_sentence_without_the_password() -> None:
    with pytest.raises(LedgerUnavailableError) as refusal:
        Ledger("mysql://root:geheim@127.0.0.1:1/none").routes("spot")
    assert "can't be used" in str(refusal.value)
    assert "geheim" not in str(refusal.value)


def run_together(tasks: list[Callable[[], object]]) -> None:
    """Run ``tasks`` in threads that start at the same moment; a task that raises fails the test."""
    barrier = threading.Barrier(len(tasks))
    failures: list[BaseException] = []

    def work(task: Callable[[], object]) -> None:
        barrier.wait(10)
        try:
            task()
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(task,)) for task in tasks]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert failures == []
