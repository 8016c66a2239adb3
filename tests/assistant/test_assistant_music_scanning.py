"""What a scan finds, what it leaves alone, and where it does not go."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.assistant.music import Call, application, calling, data, write_flac, write_mp3, write_wav


@pytest.fixture
def music(tmp_path: Path) -> Path:
    directory = tmp_path / "music"
    directory.mkdir()
    return directory


@pytest.fixture
def call(tmp_path: Path, music: Path) -> Call:
    return calling(application(tmp_path))


def counts(answer: Any) -> dict[str, int]:
    """The counters of a scan that are not 0."""
    return {name: count for name, count in data(answer).items() if type(count) is int and count}


def tracks(call: Call, **wanted: Any) -> list[dict[str, Any]]:
    return data(call("tracks", **wanted))["tracks"]


def test_tags_and_durations_come_from_the_files(call: Call, music: Path) -> None:
    tags = {"title": "Élégie", "artist": "Fauré", "album": "Op. 24", "genre": "Classical", "date": "1880"}
    write_wav(music / "one.WAV", 1.5, **tags, tracknumber="3/12")
    write_mp3(music / "two.mp3", 100, **tags, tracknumber="4")
    write_flac(music / "three.flac", 7, **tags, tracknumber="5")
    write_wav(music / "untagged.wav", 1)
    assert counts(call("scan")) == {"added_tracks": 4}
    found = tracks(call)
    assert [Path(track["file_path"]).name for track in found] == ["one.WAV", "two.mp3", "three.flac", "untagged.wav"]
    for track in found[:3]:
        assert [track[name] for name in ("title", "artist", "album", "genre", "year")] == [
            *list(tags.values())[:4],
            1880,
        ]
    assert [track["track_number"] for track in found] == [3, 4, 5, 0]
    assert [track["duration"] for track in found] == [1.5, pytest.approx(100 * 1152 / 44100, abs=0.03), 7.0, 1.0]
    assert [track["sample_rate"] for track in found] == [8000, 44100, 44100, 8000]
    assert found[1]["bitrate"] == 128_000
    last = found[3]
    assert [last[name] for name in ("title", "artist", "album", "genre")] == [
        *("untagged", "Unknown Artist", "Unknown Album", "Unknown"),
    ]
    assert list(last)[:16] == [
        *("id", "file_path", "title", "artist", "album", "genre", "duration", "track_number", "year", "file_size"),
        *("bitrate", "sample_rate", "last_played", "play_count", "rating", "added_at"),
    ]
    assert last["file_size"] == 16044


def test_only_music_is_taken(call: Call, music: Path) -> None:
    write_wav(music / "sub" / "deep" / "gamma.wav")
    (music / "notes.txt").write_text("no music")
    (music / "fake.mp3").write_bytes(b"no music either" * 1000)
    (music / "empty.ogg").write_bytes(b"")
    (music / "cut.flac").write_bytes(b"fLaC\x00")
    os.mkfifo(music / "pipe.wav")
    assert counts(call("scan")) == {"added_tracks": 1, "unreadable_files": 3}
    assert counts(call("scan", recursive=False)) == {"unreadable_files": 3}


def test_a_second_scan_follows_what_has_changed(call: Call, music: Path) -> None:
    for name in ("alpha", "beta", "sub/gamma"):
        write_wav(music / f"{name}.wav")
    call("scan")
    numbers = {track["title"]: track["id"] for track in tracks(call)}
    data(call("rate", track_id=numbers["beta"], rating=4))
    assert counts(call("scan")) == {"unchanged_tracks": 3}

    write_wav(music / "alpha.wav", 2)
    (music / "beta.wav").rename(music / "away")
    (music / "sub/gamma.wav").unlink()
    # What lies below is out of sight, not gone.
    assert counts(call("scan", recursive=False)) == {"updated_tracks": 1, "missing_tracks": 1}
    assert counts(call("scan")) == {"unchanged_tracks": 1, "missing_tracks": 1}
    assert [(track["title"], track["duration"]) for track in tracks(call)] == [("alpha", 2.0)]
    assert [track["title"] for track in tracks(call, missing=True)] == ["beta", "gamma"]
    assert call("play", track_id=numbers["beta"]).status_code == 409

    (music / "away").rename(music / "beta.wav")
    assert counts(call("scan")) == {"updated_tracks": 1, "unchanged_tracks": 1}
    back = data(call("track", track_id=numbers["beta"]))
    assert (back["rating"], back["missing_since"]) == (4, None)


def test_nothing_outside_of_the_allowed_directories_is_read(call: Call, music: Path, tmp_path: Path) -> None:
    outside = write_wav(tmp_path / "outside" / "secret.wav")
    write_wav(music / "sub" / "inside.wav")
    (music / "file.wav").symlink_to(outside)
    (music / "directory").symlink_to(outside.parent)
    (music / "loop").symlink_to(music)
    (music / "again.wav").symlink_to(music / "sub" / "inside.wav")
    (music / "dangling.wav").symlink_to(music / "nowhere.wav")
    assert counts(call("scan")) == {"added_tracks": 1, "refused_links": 2, "unreadable_files": 1}
    assert tracks(call)[0]["file_path"] == str(music / "sub" / "inside.wav")
    for directory in (str(tmp_path), "/", "..", "../outside", "directory", str(tmp_path / "music-not"), "sub/../../x"):
        answer = call("scan", directory=directory)
        assert answer.status_code == 403, directory
        assert answer.json == {"detail": "The directory is outside of those that MUSIC_ROOTS allows"}
    assert counts(call("scan", directory="sub")) == {"unchanged_tracks": 1}
    assert counts(call("scan", directory=str(music / "sub"))) == {"unchanged_tracks": 1}
    for directory in ("nowhere", "again.wav", "sub\0", "\ud800", "a" * 4096):
        assert call("scan", directory=directory).status_code in (404, 422), directory


def test_a_root_that_is_not_there_loses_no_track(tmp_path: Path, music: Path) -> None:
    other = tmp_path / "other"
    write_wav(music / "alpha.wav")
    write_wav(other / "beta.wav")
    call = calling(application(tmp_path, MUSIC_ROOTS=f"{music}:{other}"))
    assert counts(call("scan")) == {"added_tracks": 2}
    other.rename(tmp_path / "unplugged")
    assert counts(call("scan")) == {"unchanged_tracks": 1}
    assert len(tracks(call)) == 2


def test_a_scan_has_its_limits_and_says_so(tmp_path: Path, music: Path) -> None:
    for number in range(5):
        write_wav(music / f"{number}.wav", 0.1)
    call = calling(application(tmp_path, MUSIC_SCAN_FILES="3"))
    first = data(call("scan"))
    assert (first["added_tracks"], first["skipped_files"], first["complete"]) == (3, 2, False)
    # What was not looked at is not gone.
    (music / "0.wav").unlink()
    assert counts(call("scan")) == {"added_tracks": 1, "unchanged_tracks": 2, "skipped_files": 1}
    assert len(tracks(call)) == 4


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere names of files are texts")
def test_names_that_are_no_texts_are_counted(call: Call, music: Path) -> None:
    write_wav(music / "good.wav")
    Path(os.fsdecode(os.fsencode(music) + b"/bad-\xff.wav")).write_bytes((music / "good.wav").read_bytes())
    assert counts(call("scan")) == {"added_tracks": 1, "unreadable_files": 1}


def test_strange_tags_become_plain_texts(call: Call, music: Path) -> None:
    write_flac(music / "odd.flac", 1, title="a\n b\tc", artist="x" * 5000, tracknumber="nine", date="soon")
    assert counts(call("scan")) == {"added_tracks": 1}
    (track,) = tracks(call)
    assert (track["title"], len(track["artist"]), track["track_number"], track["year"]) == ("a b c", 255, 0, 0)


def test_without_the_library_a_scan_names_the_extra(call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "mutagen", None)
    answer = call("scan")
    assert answer.status_code == 503 and "pip install 'cutover[assistant]'" in answer.json["detail"]
    data(call("tracks"))
