"""An upstream that is away for long is left alone, and found again."""

from __future__ import annotations

import json
import threading
import time

import pytest
from front import WAIT, Front
from origin import Origin

from migration.proxy import ProxySettings, SettingsError
from migration.proxy.breaker import UpstreamBreaker
from migration.proxy.errors import UpstreamUnavailableError, UpstreamUnreachableError
from tests.migration.proxy.conftest import FrontMaker
from tests.support.waiting import eventually


def refusal(front: Front) -> tuple[int, str, str | None]:
    response = front.request("GET", "/")
    answer = json.loads(response.read())
    return response.status, answer.get("code"), response.headers["Retry-After"]


def test_a_lost_upstream_is_left_alone_and_found_again(make_front: FrontMaker) -> None:
    origin = Origin()
    front = make_front(origin.url, CUTOVER_BREAKER_FAILURES="3", CUTOVER_BREAKER_SECONDS="0.5")
    origin.kill()
    for _ in range(3):
        assert refusal(front)[:2] == (502, "upstream_unreachable")

    assert refusal(front) == (503, "upstream_unavailable", "1")
    assert front.request("GET", "/native/here").status == 200

    with Origin(port=origin.port):
        eventually(lambda: front.request("GET", "/").status != 503)
        assert [front.request("GET", "/").status for _ in range(5)] == [200] * 5


def test_answers_are_no_failures_whatever_they_say(make_front: FrontMaker) -> None:
    def ill(connection) -> None:  # type: ignore[no-untyped-def]
        connection.read_head()
        connection.answer(b"ill", status="503 Service Unavailable")

    with Origin(ill) as origin:
        front = make_front(origin.url, CUTOVER_BREAKER_FAILURES="1")
        assert [front.request("GET", "/").read() for _ in range(5)] == [b"ill"] * 5


def unreachable() -> None:
    raise UpstreamUnreachableError("away")


def opened(seconds: float) -> UpstreamBreaker:
    breaker = UpstreamBreaker("old:80", ProxySettings(breaker_failures=2, breaker_seconds=seconds))
    for _ in range(2):
        with pytest.raises(UpstreamUnreachableError):
            breaker.call(unreachable)
    return breaker


def test_failures_count_only_in_a_row() -> None:
    breaker = UpstreamBreaker("old:80", ProxySettings(breaker_failures=2))
    for _ in range(3):
        with pytest.raises(UpstreamUnreachableError):
            breaker.call(unreachable)
        assert breaker.call(lambda: "connected") == "connected"

    assert (breaker.state().name, breaker.state().state, breaker.state().failures) == ("old:80", "closed", 0)


def test_one_request_tries_while_the_others_are_refused() -> None:
    breaker = opened(0.01)
    trying, found = threading.Event(), threading.Event()

    def slowly() -> str:
        trying.set()
        assert found.wait(WAIT)
        return "connected"

    results: list[str] = []
    assert breaker.state().state == "open"
    time.sleep(0.02)
    trial = threading.Thread(target=lambda: results.append(breaker.call(slowly)))
    trial.start()
    assert trying.wait(WAIT)

    assert breaker.state().state == "half-open"
    with pytest.raises(UpstreamUnavailableError):
        breaker.call(lambda: "not tried")
    found.set()
    trial.join(WAIT)
    assert results == ["connected"]
    assert breaker.state().state == "closed"


def test_a_failed_trial_opens_it_again() -> None:
    breaker = opened(0.2)
    deadline = time.monotonic() + WAIT
    while True:
        try:
            breaker.call(unreachable)
        except UpstreamUnreachableError:
            break
        except UpstreamUnavailableError as error:
            assert error.retry_after == 1
            assert time.monotonic() < deadline

    assert breaker.state().state == "open"
    with pytest.raises(UpstreamUnavailableError):
        breaker.call(lambda: "not tried")


def test_slow_connections_do_not_wait_for_each_other() -> None:
    breaker = UpstreamBreaker("old:80", ProxySettings())
    together = threading.Barrier(4)

    threads = [threading.Thread(target=lambda: breaker.call(lambda: together.wait(WAIT))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)

    assert not together.broken


def test_it_can_be_switched_off() -> None:
    breaker = UpstreamBreaker("old:80", ProxySettings(breaker_failures=0))
    for _ in range(20):
        with pytest.raises(UpstreamUnreachableError):
            breaker.call(unreachable)
    with pytest.raises(SettingsError, match="CUTOVER_BREAKER_SECONDS"):
        ProxySettings.from_environ({"CUTOVER_BREAKER_SECONDS": "0"})
