"""Who may administrate, by what ADMIN_ACCESS says."""

from __future__ import annotations

import pytest
from werkzeug.test import TestResponse

from backend.core.settings import SettingsError
from tests.backend.conftest import TOKEN, Spot, settings_for
from tests.support.waiting import eventually

ADMIN_TOKEN = "an-admin-token-of-24-chars"
SECRET = "what-only-the-proxy-knows"
STATS = "/api/admin/stats"


def ask(spot: Spot, method: str = "GET", path: str = STATS, **headers: str) -> TestResponse:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return spot.http.open(path, method=method, headers=named)


def audited(spot: Spot) -> list[dict[str, object]]:
    return spot.sql("SELECT action, entity_type, entity_id, actor_type, actor_id, ip_address FROM audit_logs")


class TestOpen:
    @pytest.mark.parametrize("settings", [{}, {"ADMIN_ACCESS": "open"}, {"SPOT_ADMIN_ACCESS": "Open"}])
    def test_everybody_is_an_operator(self, spot: Spot, settings: dict[str, str]) -> None:
        opened = spot.told(**settings)
        assert ask(opened).status_code == 200
        assert ask(opened, Authorization="Bearer nonsense").status_code == 200

    def test_what_is_done_is_kept_with_where_it_came_from(self, spot: Spot) -> None:
        ask(spot, "POST", f"/api/admin/clients/{spot.client_id}/regenerate-token")
        assert audited(spot) == [
            {
                "action": "client_token_regenerated",
                "entity_type": "client",
                "entity_id": spot.client_id,
                "actor_type": "open",
                "actor_id": None,
                "ip_address": "127.0.0.1",
            }
        ]


class TestToken:
    @pytest.fixture
    def guarded(self, spot: Spot) -> Spot:
        return spot.told(ADMIN_ACCESS="token", ADMIN_TOKEN=ADMIN_TOKEN)

    @pytest.mark.parametrize("header", [f"Bearer {ADMIN_TOKEN}", f"bearer {ADMIN_TOKEN}", f" Bearer  {ADMIN_TOKEN} "])
    def test_the_token_opens(self, guarded: Spot, header: str) -> None:
        assert ask(guarded, Authorization=header).status_code == 200

    @pytest.mark.parametrize(
        ("header", "error"),
        [
            ("", "Missing admin token"),
            ("Bearer", "Invalid admin token"),
            ("Bearer wrong", "Invalid admin token"),
            (f"Bearer {ADMIN_TOKEN.upper()}", "Invalid admin token"),
            (f"Basic {ADMIN_TOKEN}", "Invalid admin token"),
            (ADMIN_TOKEN, "Invalid admin token"),
            (f"Bearer {TOKEN}", "Invalid admin token"),
            ("Bearer t\xf6ken", "Invalid admin token"),
        ],
    )
    def test_others_are_refused(self, guarded: Spot, header: str, error: str) -> None:
        answer = ask(guarded, Authorization=header)
        assert (answer.status_code, answer.json) == (401, {"error": error})
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["Access-Control-Allow-Origin"] == "*"

    def test_the_refused_change_nothing(self, guarded: Spot) -> None:
        before = guarded.sql("SELECT client_token FROM clients")
        assert ask(guarded, "DELETE", f"/api/admin/clients/{guarded.client_id}").status_code == 401
        assert guarded.sql("SELECT client_token FROM clients") == before
        assert audited(guarded) == []

    def test_a_preflight_and_the_state_of_the_service_stay_open(self, guarded: Spot) -> None:
        preflight = ask(
            guarded,
            "OPTIONS",
            STATS,
            Origin="http://front.end",
            Access_Control_Request_Method="GET",
            Access_Control_Request_Headers="content-type,authorization",
        )
        assert preflight.status_code == 200
        assert preflight.headers["Access-Control-Allow-Headers"] == "authorization, content-type"
        assert ask(guarded, path="/health").status_code == 200

    def test_agents_go_on_with_their_own_token(self, guarded: Spot) -> None:
        assert guarded.get("config").status_code == 200
        assert guarded.post("heartbeat").status_code == 200

    def test_the_operator_is_named_in_the_audit_log(self, guarded: Spot) -> None:
        ask(guarded, path=f"/api/admin/clients/{guarded.client_id}/token", Authorization=f"Bearer {ADMIN_TOKEN}")
        (row,) = eventually(lambda: audited(guarded))
        assert (row["actor_type"], row["actor_id"], row["action"]) == ("token", "admin", "client_token_requested")


class TestProxy:
    @pytest.fixture
    def guarded(self, spot: Spot) -> Spot:
        return spot.told(ADMIN_ACCESS="proxy", ADMIN_PROXY_SECRET=SECRET)

    def test_whom_the_proxy_names_is_let_in_and_named_in_the_audit_log(self, guarded: Spot) -> None:
        path = f"/api/admin/clients/{guarded.client_id}/token"
        answer = ask(guarded, path=path, X_Admin_Proxy_Secret=SECRET, X_Forwarded_User="ada@example.com")
        assert answer.status_code == 200
        (row,) = eventually(lambda: audited(guarded))
        assert (row["actor_type"], row["actor_id"]) == ("proxy", "ada@example.com")

    @pytest.mark.parametrize(
        ("headers", "error"),
        [
            ({"X_Forwarded_User": "ada"}, "Administration is reached through the proxy that knows its users"),
            ({"X_Forwarded_User": "ada", "X_Admin_Proxy_Secret": "guess"}, "Invalid proxy secret"),
            ({"X_Admin_Proxy_Secret": SECRET}, "The proxy did not say who is calling"),
            ({"X_Admin_Proxy_Secret": SECRET, "X_Forwarded_User": "  "}, "The proxy did not say who is calling"),
        ],
    )
    def test_others_are_refused(self, guarded: Spot, headers: dict[str, str], error: str) -> None:
        answer = ask(guarded, **headers)
        assert (answer.status_code, answer.json) == (401, {"error": error})

    def test_the_name_may_come_in_another_header(self, spot: Spot) -> None:
        guarded = spot.told(ADMIN_ACCESS="proxy", ADMIN_PROXY_SECRET=SECRET, ADMIN_PROXY_HEADER="X-Auth-Email")
        assert ask(guarded, X_Admin_Proxy_Secret=SECRET, X_Auth_Email="ada").status_code == 200
        assert ask(guarded, X_Admin_Proxy_Secret=SECRET, X_Forwarded_User="ada").status_code == 401


class TestReplicaRoutes:
    """Agents call them with their client's token, operators as they call everything else."""

    def replicas(self, spot: Spot, **headers: str) -> TestResponse:
        return ask(spot, path=f"/api/agents/{spot.agent_id}/replicas", **headers)

    @pytest.mark.parametrize(
        "settings",
        [
            {"ADMIN_ACCESS": "token", "ADMIN_TOKEN": ADMIN_TOKEN},
            {"ADMIN_ACCESS": "proxy", "ADMIN_PROXY_SECRET": SECRET},
        ],
        ids=["token", "proxy"],
    )
    def test_the_agents_own_token_opens_and_others_do_not(self, spot: Spot, settings: dict[str, str]) -> None:
        guarded = spot.told(**settings)
        guarded.add_client("client-2", "token-2")
        guarded.add_client("client-3", "token-3", active=0)
        assert self.replicas(guarded, Authorization=f"Bearer {TOKEN}").status_code == 200
        assert self.replicas(guarded).status_code == 401
        wrong = self.replicas(guarded, Authorization="Bearer wrong")
        assert (wrong.status_code, wrong.json) == (401, {"error": "Invalid client token"})
        foreign = self.replicas(guarded, Authorization="Bearer token-2")
        assert (foreign.status_code, foreign.json) == (404, {"error": "Agent not found"})
        assert self.replicas(guarded, Authorization="Bearer token-3").status_code == 403

    def test_the_admin_token_opens_all(self, spot: Spot) -> None:
        guarded = spot.told(ADMIN_ACCESS="token", ADMIN_TOKEN=ADMIN_TOKEN)
        assert self.replicas(guarded, Authorization=f"Bearer {ADMIN_TOKEN}").status_code == 200

    @pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer wrong"}, {"Authorization": f"Bearer {TOKEN}"}])
    def test_where_everybody_may_call_no_token_matters(self, spot: Spot, headers: dict[str, str]) -> None:
        assert self.replicas(spot, **headers).status_code == 200

    @pytest.mark.parametrize(
        ("headers", "actors"),
        [({}, ["open"]), ({"Authorization": "Bearer wrong"}, ["open"]), ({"Authorization": f"Bearer {TOKEN}"}, [])],
    )
    def test_only_what_operators_do_is_audited(self, spot: Spot, headers: dict[str, str], actors: list[str]) -> None:
        spot.sql("UPDATE agents SET manual_replica_enabled = 1")
        spot.sql("INSERT INTO spot_pools (id, instance_type, region, az) VALUES ('p', 't3.medium', 'us-east-1', 'a')")
        url = f"/api/agents/{spot.agent_id}/replicas"
        made = spot.http.post(url, json={"pool_id": "p"}, headers=headers)
        assert made.status_code == 201
        rows = spot.sql("SELECT actor_type, action, entity_id FROM audit_logs")
        assert [row["actor_type"] for row in rows] == actors
        assert all(row["entity_id"] == made.json["replica_id"] for row in rows)


class TestSettings:
    @pytest.mark.parametrize(
        ("settings", "complaint"),
        [
            ({"ADMIN_ACCESS": "closed"}, "ADMIN_ACCESS must be one of open, token, proxy"),
            ({"ADMIN_ACCESS": "token"}, "ADMIN_ACCESS=token needs ADMIN_TOKEN"),
            ({"ADMIN_ACCESS": "proxy"}, "ADMIN_ACCESS=proxy needs ADMIN_PROXY_SECRET"),
            ({"ADMIN_TOKEN": "short"}, "ADMIN_TOKEN must be at least 16 visible ASCII characters"),
            ({"ADMIN_PROXY_SECRET": "with a space in it"}, "ADMIN_PROXY_SECRET must be at least 16"),
            ({"ADMIN_PROXY_HEADER": "X Forwarded"}, "ADMIN_PROXY_HEADER must be the name of a header"),
        ],
    )
    def test_a_choice_that_makes_no_sense_is_refused(self, settings: dict[str, str], complaint: str) -> None:
        with pytest.raises(SettingsError, match=complaint):
            settings_for("sqlite:///unused.sqlite3", **settings)

    def test_no_secret_is_shown(self) -> None:
        settings = settings_for("sqlite:///x", ADMIN_TOKEN=ADMIN_TOKEN, ADMIN_PROXY_SECRET=SECRET)
        assert ADMIN_TOKEN not in repr(settings)
        assert SECRET not in repr(settings)
