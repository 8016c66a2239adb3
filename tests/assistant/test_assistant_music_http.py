"""The music player as clients see it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from tests.assistant.music import Call, Clock, application, calling, clock, data, write_wav
from tests.support.servers import Server

__all__ = ["clock"]


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    for name, seconds in (("alpha", 10), ("beta", 20), ("gamma", 30)):
        write_wav(tmp_path / "music" / f"{name}.wav", seconds)
    return application(tmp_path)


@pytest.fixture
def call(app: Flask) -> Call:
    call = calling(app)
    data(call("scan"))
    return call


def test_what_clients_used_to_call_without_any_music(tmp_path: Path) -> None:
    call = calling(application(tmp_path))
    for action in ("pause", "next", "previous"):
        answer = call(action)
        assert list(answer.json) == ["success", "data", "message", "timestamp"]
        assert answer.json["message"] == f"Music action '{action}' processed"
        assert data(answer)["current_track"] is None
    assert data(call("search", query="alpha"))["tracks"] == []
    focus = data(call("playlist", name="Focus"))
    assert (focus["name"], focus["created"], focus["tracks"]) == ("Focus", True, [])
    assert data(call("playlist", name="Focus"))["created"] is False
    missing = call("play", track_id=1)
    assert (missing.status_code, missing.json) == (404, {"detail": "Track not found"})
    assert call("play").status_code == 409


def test_it_plays_on_by_itself_and_remembers_what_was_heard(call: Call, clock: Clock) -> None:
    playing = data(call("play", track_id=1))
    assert playing["is_playing"] and playing["audio_engine"] == "none" and playing["queue_length"] == 3
    clock.advance(4)
    assert data(call("status"))["current_position"] == 4.0
    clock.advance(7.5)
    now = data(call("status"))
    assert (now["current_track"]["title"], now["current_position"]) == ("beta", 1.5)
    clock.advance(2)
    paused = data(call("pause"))
    assert (paused["status"], paused["current_position"]) == ("paused", 3.5)
    clock.advance(1000)
    assert data(call("status"))["current_position"] == 3.5
    data(call("resume"))
    clock.advance(1)
    assert data(call("next"))["current_track"]["title"] == "gamma"
    clock.advance(31)
    over = data(call("status"))
    assert (over["status"], over["current_track"]["title"], over["current_position"]) == ("stopped", "gamma", 0.0)

    heard = data(call("history"))
    assert heard["total"] == 3
    assert [(row["title"], row["duration_played"], row["completion_percentage"]) for row in heard["history"]] == [
        ("gamma", 30.0, 100.0),
        ("beta", 4.5, 22.5),
        ("alpha", 10.0, 100.0),
    ]
    assert heard["history"][2]["played_at"] == "2026-01-01T12:00:00"
    assert data(call("history", track_id=2))["total"] == 1
    assert data(call("track", track_id=1))["play_count"] == 1
    assert data(call("track", track_id=2))["last_played"] == "2026-01-01T12:00:10"


def test_all_workers_and_the_next_start_tell_the_same(call: Call, clock: Clock, tmp_path: Path) -> None:
    data(call("play", track_id=2))
    data(call("volume", volume=0.25))
    data(call("repeat", mode="all"))
    clock.advance(5)
    elsewhere = calling(application(tmp_path))
    assert data(elsewhere("status")) == data(call("status"))
    assert data(elsewhere("status"))["current_position"] == 5.0
    data(elsewhere("seek", position=19))
    clock.advance(2)
    assert data(call("status"))["current_track"]["title"] == "gamma"


def test_queue_seek_shuffle_and_repeat(call: Call, clock: Clock) -> None:
    assert call("seek", position=1).status_code == 409
    assert call("resume").status_code == 409
    data(call("play", track_ids=[3, 1]))
    assert [track["title"] for track in data(call("queue"))["tracks"]] == ["gamma", "alpha"]
    data(call("seek", position=29.5))
    clock.advance(1)
    assert data(call("status"))["current_track"]["title"] == "alpha"
    too_far = call("seek", position=10.5)
    assert (too_far.status_code, too_far.json) == (409, {"detail": "The track ends at 10 seconds"})
    clock.advance(4)
    assert data(call("previous"))["current_position"] == 0.0
    assert data(call("previous"))["current_track"]["title"] == "gamma"
    data(call("repeat", mode="one"))
    clock.advance(65)
    assert data(call("status"))["current_position"] == 5.0
    data(call("repeat", mode="none"))
    mixed = data(call("shuffle", enabled=True))
    assert (mixed["shuffle"], mixed["queue_index"], mixed["current_track"]["title"]) == (True, 0, "gamma")
    assert data(call("shuffle", enabled=False))["queue_length"] == 2
    data(call("stop"))
    assert data(call("play"))["current_track"]["title"] == "gamma"
    assert call("play", track_ids=[1, 99]).status_code == 404
    assert call("play", track_id=2, track_ids=[1]).status_code == 409


@pytest.mark.parametrize("action", ["play", "resume"])
def test_whoever_must_hear_it_is_refused(call: Call, action: str) -> None:
    answer = call(action, require_sound=True)
    assert answer.status_code == 503
    assert "no sound device" in answer.json["detail"]


def test_a_track_that_goes_while_it_plays_ends_and_is_passed_over(call: Call, clock: Clock, tmp_path: Path) -> None:
    data(call("play", track_id=1))
    for name in ("alpha", "beta"):
        (tmp_path / "music" / f"{name}.wav").unlink()
    assert data(call("scan"))["missing_tracks"] == 2
    clock.advance(11)
    now = data(call("status"))
    assert (now["current_track"]["title"], now["current_position"]) == ("gamma", 1.0)


def titles(playlist: Any) -> list[str]:
    return [track["title"] for track in playlist["tracks"]]


def test_playlists_keep_their_order(call: Call, clock: Clock) -> None:
    def playlist(operation: str, name: str = "Focus", **more: Any) -> Any:
        return data(call("playlist", operation=operation, name=name, **more))

    playlist("create", description="to work by")
    assert call("playlist", operation="create", name="Focus").status_code == 409
    added = playlist("add", track_ids=[3, 1])
    assert (titles(added), added["track_count"], added["total_duration"]) == (["gamma", "alpha"], 2, 40.0)
    assert titles(playlist("add", track_id=2, position=1)) == ["gamma", "beta", "alpha"]
    assert call("playlist", operation="add", name="Focus", track_id=2).status_code == 409
    assert call("playlist", operation="add", name="Focus", track_id=99).status_code == 404
    assert titles(playlist("reorder", track_ids=[1, 2, 3])) == ["alpha", "beta", "gamma"]
    assert titles(playlist("reorder", track_id=3, position=0)) == ["gamma", "alpha", "beta"]
    assert call("playlist", operation="reorder", name="Focus", track_ids=[1]).status_code == 422
    assert titles(playlist("remove", track_id=1)) == ["gamma", "beta"]
    assert call("playlist", operation="remove", name="Focus", track_id=1).status_code == 404
    page = playlist("get", limit=1, offset=1)
    assert (titles(page), page["tracks"][0]["position"], page["track_count"]) == (["beta"], 1, 2)

    data(call("playlist", name="Other"))
    assert call("playlist", operation="rename", name="Other", new_name="Focus").status_code == 409
    assert playlist("rename", new_name="Work")["description"] == "to work by"
    assert [row["name"] for row in data(call("playlist"))["playlists"]] == ["Other", "Work"]
    assert call("playlist", operation="get", name="Focus").status_code == 404

    data(call("play", playlist="Work"))
    clock.advance(31)
    assert data(call("status"))["current_track"]["title"] == "beta"
    assert call("play", playlist="Other").status_code == 409
    assert playlist("delete", name="Work")["deleted"] is True
    assert data(call("tracks"))["total"] == 3


def test_lists_can_be_searched_and_paged(call: Call) -> None:
    assert [track["title"] for track in data(call("search", query="ALPH"))["tracks"]] == ["alpha"]
    assert data(call("search", query="unknown artist"))["total"] == 3
    for query in ("%", "_", "\\", "'"):
        assert data(call("search", query=query))["total"] == 0
    page = data(call("tracks", limit=1, offset=1))
    assert (page["count"], page["total"], page["tracks"][0]["title"]) == (1, 3, "beta")
    assert data(call("tracks", artist="Unknown Artist", genre="Jazz"))["total"] == 0
    for wrong in ({"limit": 0}, {"limit": 1001}, {"offset": -1}, {"limit": "many"}):
        assert call("tracks", **wrong).status_code == 422


@pytest.mark.parametrize(
    ("action", "parameters"),
    [
        ("volume", {"volume": 50}),
        ("volume", {"volume": float("nan")}),
        ("repeat", {"mode": "twice"}),
        ("seek", {"position": -1}),
        ("rate", {"track_id": 1, "rating": 6}),
        ("play", {"track_id": 10**30}),
        ("play", {"track_ids": []}),
        ("playlist", {"operation": "add", "name": "Focus"}),
        ("playlist", {"operation": "add", "track_id": 1}),
        ("playlist", {"name": "\ud800"}),
        ("playlist", {"name": ""}),
        ("search", {}),
    ],
)
def test_wrong_parameters_are_refused(call: Call, action: str, parameters: dict[str, Any]) -> None:
    assert call(action, **parameters).status_code == 422


def test_an_unknown_action_names_the_known_ones(call: Call) -> None:
    answer = call("dance")
    assert answer.status_code == 400 and "shuffle" in answer.json["detail"]


@pytest.mark.parametrize("product", ["mariadb", "postgres"])
def test_on_servers_too_and_by_several_at_once(
    product: str, request: pytest.FixtureRequest, tmp_path: Path, clock: Clock
) -> None:
    server: Server = request.getfixturevalue(product)
    for name in ("alpha", "beta", "Beta", "gamma"):
        write_wav(tmp_path / "music" / f"{name}.wav", 10)
    app = application(tmp_path, DATABASE_URL=server.create_database())
    call = calling(app)
    assert data(call("scan"))["added_tracks"] == 4
    assert data(call("scan"))["unchanged_tracks"] == 4
    numbers = [track["id"] for track in data(call("tracks"))["tracks"]]
    data(call("play", track_id=numbers[0]))
    clock.advance(12)
    assert data(call("status"))["current_position"] == 2.0
    assert data(call("search", query="BETA"))["total"] == 2
    data(call("playlist", name="Focus"))

    def add(number: int) -> int:
        return calling(app)("playlist", operation="add", name="Focus", track_id=number).status_code

    with ThreadPoolExecutor(4) as callers:
        assert list(callers.map(add, numbers)) == [200] * 4
    focus = data(call("playlist", name="Focus"))
    assert sorted(track["id"] for track in focus["tracks"]) == sorted(numbers)
    assert [track["position"] for track in focus["tracks"]] == [0, 1, 2, 3]
    with ThreadPoolExecutor(4) as callers:
        list(callers.map(lambda _: data(calling(app)("next")), range(4)))
    assert data(call("status"))["status"] == "stopped"
    assert data(call("history"))["total"] == 2
