"""A web shop that is not ours, with its own auth scheme and forms of ids, is compared without a line of our code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import cutover, replay
from tests.support.har import RecordingCaller
from tests.support.shop import create_app

SHOP = "tests.support.shop:create_app()"


@pytest.fixture
def traffic(tmp_path: Path) -> Path:
    """Two customers order, look, change their minds; a stranger is refused."""
    call = RecordingCaller(create_app())
    ann = {"Authorization": f"ShopKey {call('POST', '/signup', {'name': 'Ann'})['key']}"}
    bob = {"Authorization": f"ShopKey {call('POST', '/signup', {'name': 'Bob'})['key']}"}
    call("GET", "/orders")
    hers = [call("POST", "/orders", {"skus": ["tea", "cup"]}, ann) for _ in range(4)]
    his = call("POST", "/orders", {"skus": ["jam"]}, bob)
    for order in hers:
        call("GET", f"/orders/{order['ref']}", headers=ann)
    call("GET", "/orders", headers=ann)
    call("DELETE", f"/orders/{hers[0]['ref']}/lines/{hers[0]['lines'][1]['id']}", headers=ann)
    call("GET", f"/orders/{hers[0]['ref']}", headers=ann)
    call("GET", "/orders/nothing-there", headers=ann)
    call("GET", f"/orders/{his['ref']}", headers=bob)
    return call.write(tmp_path / "shop.har")


def places(report: dict[str, Any]) -> set[tuple[str, str, str]]:
    """Where the differences are: route, location without indices, kind."""
    return {(d["route"], re.sub(r"\[\d+\]", "[]", d["location"]), d["kind"]) for d in report["differences"]}


@pytest.mark.parametrize("control", ["recording", SHOP])
def test_a_second_shop_agrees(tmp_path: Path, traffic: Path, control: str) -> None:
    report = replay(tmp_path / "report", traffic, "--control", control, "--candidate", SHOP)
    assert report["summary"]["equal"] == report["summary"]["exchanges"] == 17
    assert {route["route"] for route in report["routes"]} >= {"GET /orders/<ref>", "POST /signup"}


def test_numbers_that_begin_elsewhere_are_bound(tmp_path: Path, traffic: Path) -> None:
    report = replay(
        tmp_path / "report", traffic, "--control", "recording", "--candidate", SHOP, SHOP_FIRST_NUMBER="100"
    )
    assert report["differences"] == []


def test_a_list_that_is_too_short(tmp_path: Path, traffic: Path) -> None:
    report = replay(
        tmp_path / "report", traffic, "--control", "recording", "--candidate", SHOP, SHOP_FAULT="short list"
    )
    assert places(report) == {("GET /orders", "body.orders[]", "missing")}


def test_another_customers_order(tmp_path: Path, traffic: Path) -> None:
    report = replay(
        tmp_path / "report", traffic, "--control", "recording", "--candidate", SHOP, SHOP_FAULT="wrong order"
    )
    assert ("GET /orders/<ref>", "body.ref", "binding") in places(report)


def test_what_control_does_not_agree_with_itself_about_is_noise(tmp_path: Path) -> None:
    call = RecordingCaller(create_app())
    for _ in range(3):
        call("GET", "/status")
    recording = call.write(tmp_path / "status.har")
    report = replay(tmp_path / "report", recording, "--control", SHOP, "--candidate", SHOP)
    assert report["summary"]["noise"] == report["summary"]["exchanges"] == 3
    assert {noise["location"] for noise in report["noise"]} == {"body.lucky", "body.uptime"}


def test_sessions_side_by_side(tmp_path: Path, traffic: Path) -> None:
    report = replay(tmp_path / "report", traffic, "--control", SHOP, "--candidate", SHOP, "--workers", "4")
    assert report["summary"]["different"] == report["summary"]["errors"] == 0


def test_secrets_stay_out_of_reports(tmp_path: Path, traffic: Path) -> None:
    keys = re.findall(r"k\.[\w-]+\.[\w-]+", traffic.read_text())
    assert keys
    directory = tmp_path / "report"
    done = cutover(
        "replay",
        traffic,
        "--control",
        "recording",
        "--candidate",
        SHOP,
        "--report",
        directory,
        SHOP_FAULT="wrong order",
    )
    written = [done.output, *(path.read_text() for path in directory.iterdir())]
    assert len(written) == 4
    for text in written:
        assert not any(key in text for key in keys)
    assert json.loads((directory / "report.json").read_text())["differences"]


def test_a_control_in_another_state_than_recorded_is_told(tmp_path: Path, traffic: Path) -> None:
    har = json.loads(traffic.read_text())
    del har["log"]["entries"][:2]
    traffic.write_text(json.dumps(har))
    done = cutover("replay", traffic, "--control", SHOP, "--candidate", SHOP)
    assert done.status == 0
    assert "Control gave another status than recorded to 13 of 15 exchanges" in " ".join(done.output.split())
