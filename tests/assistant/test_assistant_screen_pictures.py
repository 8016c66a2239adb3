"""Pictures of a real screen: what they show, where they are kept, and what is said where there is none."""

from __future__ import annotations

import os
import stat
import struct
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.assistant.screens import ANALYZE, CAPTURE, captures, pixel, post
from tests.assistant.tools import Tools, at_once
from tests.support.displays import HEIGHT, PAPER, WIDTH, WORDS, Display, require, running_display, window_saying


@pytest.fixture(scope="module")
def written_on() -> Iterator[Display]:
    """A screen with WORDS on it."""
    with running_display() as display, window_saying(display, *WORDS):
        yield display


@pytest.fixture
def seen(written_on: Display, tools: Tools, monkeypatch: pytest.MonkeyPatch) -> Tools:
    """The assistant before that screen."""
    monkeypatch.setenv("DISPLAY", written_on.name)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return tools


@pytest.fixture
def blind(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> Tools:
    """The assistant without a display."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        monkeypatch.delenv(name, raising=False)
    return tools


def test_a_capture_is_a_picture_of_the_screen_for_its_owner_alone(seen: Tools) -> None:
    answer = post(seen, CAPTURE)
    assert answer.status_code == 200
    assert (answer.json["success"], answer.json["message"]) == (True, "Screen captured successfully")
    data = answer.json["data"]
    assert data["status"] == "captured"
    path = Path(data["screenshot_path"])
    assert captures(seen) == [path]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    content = path.read_bytes()
    assert struct.unpack(">II", content[16:24]) == (WIDTH, HEIGHT) == (data["width"], data["height"])
    assert len(content) == data["size"]
    assert pixel(path, 3, 200) == PAPER
    assert pixel(path, WIDTH - 1, HEIGHT - 1) == (0, 0, 0)


def test_the_shell_gets_the_shape_it_reads(seen: Tools) -> None:
    answer = post(seen, "/capture-screen")
    assert answer.status_code == 200
    assert answer.json["success"] is True
    assert answer.json["dimensions"] == [WIDTH, HEIGHT]
    assert abs(answer.json["timestamp"] - time.time()) < 60
    assert [str(path) for path in captures(seen)] == [answer.json["filepath"]]


def test_captures_at_the_same_moment_are_different_files(seen: Tools) -> None:
    answers = at_once(4, lambda: post(seen, "/capture-screen"))
    assert {answer.json["success"] for answer in answers} == {True}
    assert len({answer.json["filepath"] for answer in answers}) == 4 == len(captures(seen))


def test_the_words_on_the_screen_are_read_with_their_places_and_signs_of_errors(seen: Tools) -> None:
    require("tesseract")
    post(seen, CAPTURE)
    answer = post(seen, ANALYZE)
    assert (answer.status_code, answer.json["message"]) == (200, "Screen analysis completed")
    data = answer.json["data"]
    assert [line for line in WORDS if line in data["text_content"].splitlines()] == list(WORDS)
    assert data["status"] == "analyzed"
    assert data["image_path"] == str(captures(seen)[0])
    ocr = data["ocr"]
    assert (ocr["success"], ocr["word_count"]) == (True, len(ocr["detected_words"]))
    assert ocr["confidence"] > 50
    word = next(word for word in ocr["detected_words"] if word["text"] == "Database")
    assert 0 <= word["x"] < 60
    assert 0 < word["y"] < 80
    assert word["width"] > word["height"] > 5
    assert [line["text"] for line in data["elements"] if line["text"] in WORDS] == list(WORDS)
    found = data["error_detection"]
    assert (found["has_errors"], found["severity"]) == (True, "critical")
    assert {(error["pattern"], error["line"], error["line_number"]) for error in found["errors"]} >= {
        ("connection failed", WORDS[1], 2),
        ("failed", WORDS[1], 2),
        ("segmentation fault", WORDS[2], 3),
    }
    assert data["ui_analysis"]["success"] is False


def test_analysing_without_any_capture_makes_one(seen: Tools) -> None:
    data = post(seen, ANALYZE).json["data"]
    assert [str(path) for path in captures(seen)] == [data["image_path"]]


def test_without_tesseract_the_answer_says_so(seen: Tools, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    data = post(seen, ANALYZE).json["data"]
    assert data["ocr"] | {"text": ""} == {
        "success": False,
        "message": "OCR dependencies not available",
        "text": "",
        "word_count": 0,
        "confidence": 0.0,
        "detected_words": [],
    }
    assert (data["status"], data["text_content"]) == ("not_read", "")


def test_only_captures_can_be_named(seen: Tools, tmp_path: Path) -> None:
    made = Path(post(seen, CAPTURE).json["data"]["screenshot_path"])
    secret = tmp_path / made.name.replace("capture_2", "capture_1")
    secret.write_bytes(made.read_bytes())
    link = made.with_name(made.name.replace("capture_2", "capture_3"))
    link.symlink_to(secret)
    strange = ("/etc/passwd", "../" + secret.name, f"{made.parent}/../captures/{made.name}", link.name, "", "a\0b")
    for name in (str(secret), *strange):
        answer = post(seen, ANALYZE, {"image_path": name})
        assert (answer.status_code, answer.json["detail"][:26]) == (404, "There is no such capture: ")
    for name in (made.name, str(made)):
        assert post(seen, ANALYZE, {"image_path": name}).json["data"]["image_path"] == str(made)


def test_old_captures_are_removed_and_what_is_no_capture_stays(seen: Tools) -> None:
    old, newer = (Path(post(seen, CAPTURE).json["data"]["screenshot_path"]) for _ in range(2))
    kept = old.with_name("holiday.png")
    kept.write_bytes(b"")
    for path in (old, kept):
        os.utime(path, (time.time() - 90_000,) * 2)
    newest = Path(post(seen, CAPTURE).json["data"]["screenshot_path"])
    assert captures(seen) == [newer, newest, kept]


def test_the_same_actions_are_found_where_the_list_of_tools_sends_callers(seen: Tools) -> None:
    made = seen.post("screen", "capture")
    assert made.json["message"] == "Screen action 'capture' processed"
    read = seen.post("screen", "analyze", image_path=made.json["data"]["screenshot_path"])
    assert read.json["data"]["image_path"] == made.json["data"]["screenshot_path"]
    assert seen.refused("screen", "start_monitoring", 422, interval=0)[0]["loc"] == ["body", "parameters", "interval"]


@pytest.mark.parametrize("path", [CAPTURE, ANALYZE])
def test_without_a_display_the_tool_says_so(blind: Tools, path: str) -> None:
    answer = post(blind, path)
    assert answer.status_code == 503
    assert answer.json["detail"].startswith("Screen capture is not available: no display ")
    assert captures(blind) == []


def test_without_a_display_the_shell_is_told_in_its_shape(blind: Tools) -> None:
    answer = post(blind, "/capture-screen")
    assert (answer.status_code, answer.json["success"]) == (200, False)
    assert answer.json["message"].startswith("Screen capture is not available: no display ")


@pytest.mark.parametrize("name", [":98765", "nonsense", "127.0.0.1:1"])
def test_a_display_that_is_not_there_is_no_display(blind: Tools, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv("DISPLAY", name)
    answer = post(blind, CAPTURE)
    assert answer.status_code == 503
    assert answer.json["detail"].startswith("Screen capture is not available: no display that can be captured (")


def test_an_empty_screen_of_wayland_is_no_picture(blind: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    with running_display() as display:
        monkeypatch.setenv("DISPLAY", display.name)
        assert post(blind, CAPTURE).status_code == 200
        monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
        answer = post(blind, CAPTURE)
    assert (answer.status_code, "Wayland shows an empty screen" in answer.json["detail"]) == (503, True)


def test_too_many_captures_are_removed_oldest_first(seen: Tools) -> None:
    seen.app.extensions["screen"] = type(seen.app.extensions["screen"])(
        seen.app.extensions["screen"].data, most_captures=2
    )
    made = [post(seen, "/capture-screen").json["filepath"] for _ in range(3)]
    assert [str(path) for path in captures(seen)] == made[1:]


def test_without_the_library_the_answer_names_the_extra(
    seen: Tools, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "mss.py").write_text("raise ImportError('not here')")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    answer = post(seen, CAPTURE)
    assert (answer.status_code, "pip install 'cutover[assistant]'" in answer.json["detail"]) == (503, True)
