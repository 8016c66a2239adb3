"""Services outside that fail: left alone, tried by one call, and used again."""

from __future__ import annotations

import threading
import time

import pytest

from backend.core.breaker import Breaker, ServiceUnavailableError, breakers

WAIT = 10.0


def fail(error: Exception) -> None:
    raise error


def opened(name: str, seconds: float) -> Breaker:
    breaker = Breaker(name, (OSError,), failures=2, seconds=seconds)
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError), breaker.calling():
            fail(ConnectionRefusedError())
    return breaker


def test_what_fails_again_and_again_is_left_alone() -> None:
    breaker = opened("mail", 60)

    with pytest.raises(ServiceUnavailableError) as refused, breaker.calling():
        pytest.fail("must not be tried")

    assert refused.value.status_code == 503
    assert refused.value.headers == {"Retry-After": "60"}
    (state,) = [state for state in breakers() if state.name == "mail"]
    assert (state.state, state.failures, state.refused) == ("open", 2, 1)


def test_other_errors_show_that_it_was_reached() -> None:
    breaker = Breaker("model", (OSError,), failures=2)
    for error in (OSError(), ValueError(), OSError(), ValueError(), OSError()):
        with pytest.raises(type(error)), breaker.calling():
            fail(error)

    assert breaker.state().state == "closed"


def test_one_call_tries_and_opens_the_way_for_all() -> None:
    breaker = opened("store", 0.01)
    trying, found = threading.Event(), threading.Event()
    answers: list[str] = []

    @breaker
    def call() -> str:
        trying.set()
        assert found.wait(WAIT)
        return "there"

    time.sleep(0.02)
    trial = threading.Thread(target=lambda: answers.append(call()))
    trial.start()
    assert trying.wait(WAIT)
    assert breaker.state().state == "half-open"
    with pytest.raises(ServiceUnavailableError):
        call()
    found.set()
    trial.join(WAIT)

    assert answers == ["there"]
    assert breaker.state().state == "closed"


def test_what_was_under_way_before_it_opened_decides_nothing() -> None:
    breaker = Breaker("slow", (OSError,), failures=2, seconds=0.01)
    under_way, ended, trying, found = (threading.Event() for _ in range(4))

    def call(begun: threading.Event, goes_on: threading.Event) -> None:
        with breaker.calling():
            begun.set()
            assert goes_on.wait(WAIT)

    early = threading.Thread(target=call, args=(under_way, ended))
    early.start()
    assert under_way.wait(WAIT)
    for _ in range(2):
        with pytest.raises(ConnectionRefusedError), breaker.calling():
            fail(ConnectionRefusedError())
    time.sleep(0.02)
    trial = threading.Thread(target=call, args=(trying, found))
    trial.start()
    assert trying.wait(WAIT)
    ended.set()
    early.join(WAIT)

    with pytest.raises(ServiceUnavailableError), breaker.calling():
        pytest.fail("the trial has not come to an end")
    found.set()
    trial.join(WAIT)
    assert breaker.state().state == "closed"


def test_a_failed_trial_leaves_it_alone_again() -> None:
    breaker = opened("queue", 0.05)
    time.sleep(0.06)
    with pytest.raises(OSError), breaker.calling():
        fail(OSError())

    with pytest.raises(ServiceUnavailableError), breaker.calling():
        pytest.fail("must not be tried")


def test_slow_calls_do_not_wait_for_each_other() -> None:
    breaker = Breaker("slow", (OSError,))
    together = threading.Barrier(4)

    @breaker
    def call() -> None:
        together.wait(WAIT)

    threads = [threading.Thread(target=call) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT)

    assert not together.broken
