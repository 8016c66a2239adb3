"""The ledger on servers: paths are case-sensitive, starting together is safe, changes are seen and raced for."""

from __future__ import annotations

import threading

import pytest

from migration.ledger import Ledger, LedgerConflictError, State
from migration.ledger.rollout import promote
from tests.support.waiting import eventually


@pytest.fixture(params=["mariadb", "postgres"])
def url(request: pytest.FixtureRequest) -> str:
    url: str = request.getfixturevalue(request.param).create_database()
    return url


def test_workers_that_start_together_seed_once(url: str) -> None:
    keys = [("GET", "/A/<x>"), ("GET", "/a/<x>"), ("POST", "/h")]
    failures: list[BaseException] = []

    def start() -> None:
        try:
            Ledger(url).seed("spot", keys)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=start) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failures == []
    assert [route.name for route in Ledger(url).routes("spot")] == ["GET /A/<x>", "GET /a/<x>", "POST /h"]


def test_changes_are_seen_and_raced_for(url: str) -> None:
    ledger = Ledger(url)
    ledger.seed("spot", [("POST", "/h")])
    ledger.set_native("spot", [("POST", "/h")])
    before = ledger.routes("spot")[0]
    reader = ledger.reader("spot")
    assert reader.table().match("POST", "/h").state is State.LEGACY  # type: ignore[union-attr]
    promote(ledger, "spot", ["/h"], who="ada", why="equal")
    eventually(lambda: reader.table().match("POST", "/h").state is State.NATIVE, 1.0)  # type: ignore[union-attr]
    reader.close()
    with pytest.raises(LedgerConflictError):
        ledger.move([(before, State.NATIVE)], who="bob", why="late")
