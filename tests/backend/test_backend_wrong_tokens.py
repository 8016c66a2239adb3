"""Guessing tokens is slowed down; whoever has a right one does not notice."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from backend.core.settings import SettingsError
from backend.core.wrong_tokens import COUNTERS, TooManyWrongTokensError, WrongTokens
from tests.backend.conftest import TOKEN, Spot
from tests.support.net import free_port
from tests.support.serving import serving
from tests.support.waiting import eventually

LIMIT = 3
Guess = Callable[[Spot], TestResponse]


def as_agent(spot: Spot) -> TestResponse:
    return spot.http.post("/api/agents/x/heartbeat", json={}, headers={"Authorization": "Bearer wrong"})


def as_agent_in_the_body(spot: Spot) -> TestResponse:
    return spot.http.post("/api/agents/x/heartbeat", json={"client_token": "wrong"})


def as_client(spot: Spot) -> TestResponse:
    return spot.http.get("/api/client/validate", headers={"Authorization": "Bearer wrong"})


def as_operator(spot: Spot) -> TestResponse:
    return spot.http.get("/api/admin/stats", headers={"Authorization": "Bearer wrong"})


def for_replicas(spot: Spot) -> TestResponse:
    return spot.http.get(f"/api/agents/{spot.agent_id}/replicas", headers={"Authorization": "Bearer wrong"})


@pytest.fixture
def limited(spot: Spot) -> Spot:
    return spot.told(AUTH_FAILURES_PER_MINUTE=str(LIMIT), ADMIN_ACCESS="token", ADMIN_TOKEN="0123456789abcdef")


@pytest.mark.parametrize("guess", [as_agent, as_agent_in_the_body, as_client, as_operator, for_replicas])
def test_too_many_wrong_tokens_are_refused_for_a_while(limited: Spot, guess: Guess) -> None:
    assert [guess(limited).status_code for _ in range(LIMIT)] == [401] * LIMIT
    refused = guess(limited)
    assert (refused.status_code, refused.json["error"]) == (429, "Too many requests with a wrong token")
    assert 1 <= int(refused.headers["Retry-After"]) <= 60
    assert limited.get("config").status_code == 200
    admin = limited.http.get("/api/admin/stats", headers={"Authorization": "Bearer 0123456789abcdef"})
    assert admin.status_code == 200


def test_ways_of_guessing_count_together(limited: Spot) -> None:
    assert [guess(limited).status_code for guess in (as_agent, as_client, as_operator, as_agent)] == [401] * 3 + [429]


def test_who_only_guesses_leaves_no_more_events(limited: Spot) -> None:
    for _ in range(2 * LIMIT):
        as_agent(limited)
    assert limited.one("SELECT COUNT(*) n FROM system_events WHERE event_type = 'auth_failed'") == {"n": LIMIT}


def test_a_missing_token_is_not_a_wrong_one(limited: Spot) -> None:
    for _ in range(2 * LIMIT):
        assert limited.http.post("/api/agents/x/heartbeat", json={}).status_code == 401
        assert limited.http.get("/api/admin/stats").status_code == 401
    assert as_agent(limited).status_code == 401


def test_an_inactive_client_has_no_wrong_token(limited: Spot) -> None:
    limited.sql("UPDATE clients SET is_active = 0")
    assert [limited.get("config").status_code for _ in range(2 * LIMIT)] == [403] * 2 * LIMIT


def test_a_wrong_proxy_secret_counts(spot: Spot) -> None:
    limited = spot.told(AUTH_FAILURES_PER_MINUTE="1", ADMIN_ACCESS="proxy", ADMIN_PROXY_SECRET="0123456789abcdef")
    headers = {"X-Admin-Proxy-Secret": "wrong"}
    assert [limited.http.get("/api/admin/stats", headers=headers).status_code for _ in range(2)] == [401, 429]


def test_it_can_be_turned_off(spot: Spot) -> None:
    free = spot.told(AUTH_FAILURES_PER_MINUTE="0")
    assert {as_agent(free).status_code for _ in range(200)} == {401}


class TestAddresses:
    def guess_from(self, spot: Spot, address: str, **headers: str) -> int:
        return spot.http.post(
            "/api/agents/x/heartbeat",
            json={},
            headers={
                "Authorization": "Bearer wrong",
                **{name.replace("_", "-"): text for name, text in headers.items()},
            },
            environ_base={"REMOTE_ADDR": address},
        ).status_code

    @pytest.fixture
    def once(self, spot: Spot) -> Spot:
        return spot.told(AUTH_FAILURES_PER_MINUTE="1")

    def test_each_has_a_count_of_its_own(self, once: Spot) -> None:
        addresses = ("10.0.0.1", "10.0.0.2", "10.0.0.1")
        assert [self.guess_from(once, address) for address in addresses] == [401, 401, 429]

    def test_a_network_of_version_6_is_one_caller(self, once: Spot) -> None:
        addresses = ("2001:db8::1", "2001:db8::2:3:4:5", "2001:db8:0:1::1")
        assert [self.guess_from(once, address) for address in addresses] == [401, 429, 401]

    def test_forwarded_addresses_are_believed_from_trusted_proxies_only(self, spot: Spot) -> None:
        naive = spot.told(AUTH_FAILURES_PER_MINUTE="1")
        assert self.guess_from(naive, "10.0.0.1", X_Forwarded_For="1.1.1.1") == 401
        assert self.guess_from(naive, "10.0.0.1", X_Forwarded_For="2.2.2.2") == 429
        behind = spot.told(AUTH_FAILURES_PER_MINUTE="1", TRUSTED_PROXIES="1")
        assert self.guess_from(behind, "10.0.0.1", X_Forwarded_For="9.9.9.9, 1.1.1.1") == 401
        assert self.guess_from(behind, "10.0.0.1", X_Forwarded_For="1.1.1.1, 2.2.2.2") == 401
        assert self.guess_from(behind, "10.0.0.1", X_Forwarded_For="8.8.8.8, 1.1.1.1") == 429


def test_no_number_of_addresses_fills_the_memory() -> None:
    counters = WrongTokens(1_000_000, "memory://")
    for number in range(3 * COUNTERS):
        counters.count(f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}")
    assert len(counters.limiter.storage.storage) <= COUNTERS  # type: ignore[attr-defined]


@pytest.fixture
def redis(tmp_path: Path) -> Iterator[str]:
    """A Redis of its own."""
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis-server is not installed")
    port = free_port()
    quietly = ("--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--loglevel", "warning")
    with subprocess.Popen([program, "--port", str(port), "--dir", str(tmp_path), *quietly]) as process:
        try:
            eventually(lambda: answers(port))
            yield f"redis://127.0.0.1:{port}/0"
        finally:
            process.terminate()


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_workers_count_together_in_redis(spot: Spot, redis: str, tmp_path: Path) -> None:
    url = spot.app.extensions["settings"].database_url.render_as_string()
    environment = {
        "SPOT_DATABASE_URL": url,
        "SPOT_AUTH_FAILURES_PER_MINUTE": "5",
        "SPOT_RATE_LIMIT_STORAGE_URL": redis,
        "LOG_LEVEL": "ERROR",
    }
    with serving("backend:create_app()", tmp_path, environment, workers=3) as server:
        path = "/api/agents/x/heartbeat"
        seen = [server.request("POST", path, {}, Authorization="Bearer wrong").status for _ in range(20)]
    assert seen == [401] * 5 + [429] * 15


def test_without_their_storage_nobody_is_limited() -> None:
    pytest.importorskip("redis")
    counters = WrongTokens(1, f"redis://127.0.0.1:{free_port()}/0")
    for _ in range(3):
        counters.count("10.0.0.1")


@pytest.mark.parametrize("url", ["nonsense", "mongodb://x", "http://x"])
def test_a_storage_that_makes_no_sense_is_refused(spot: Spot, url: str) -> None:
    with pytest.raises(SettingsError, match="RATE_LIMIT_STORAGE_URL"):
        spot.told(RATE_LIMIT_STORAGE_URL=url)


def test_beyond_the_limit() -> None:
    counters = WrongTokens(1, "memory://")
    counters.count("x")
    with pytest.raises(TooManyWrongTokensError):
        counters.count("x")


def test_the_default_lets_a_careless_fleet_be(spot: Spot) -> None:
    assert {as_agent(spot).status_code for _ in range(120)} == {401}
    assert as_agent(spot).status_code == 429
    assert spot.post("heartbeat").status_code == 200
    assert TOKEN in spot.headers["Authorization"]
