"""Music files as small as they can be, and a clock for the player."""

from __future__ import annotations

import struct
import wave
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from mutagen.flac import FLAC
from mutagen.id3 import ID3, TALB, TCON, TDRC, TIT2, TPE1, TRCK
from mutagen.mp3 import MP3
from mutagen.wave import WAVE
from werkzeug.test import TestResponse

from backend import create_app
from backend.assistant.api import timed
from backend.core.settings import Settings

Call = Callable[..., TestResponse]
#: MPEG 1 layer III, 128 kbit/s, 44.1 kHz, mono: a frame of 417 bytes lasts 1152 samples.
MP3_FRAME = b"\xff\xfb\x90\xc4" + bytes(413)


def write_wav(path: Path, seconds: float = 1.0, **tags: str) -> Path:
    """8 kHz, mono, 16 bit."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(round(16000 * seconds)))
    if tags:
        written = WAVE(path)
        written.add_tags()
        _add_frames(written.tags, tags)
        written.save()
    return path


def write_mp3(path: Path, frames: int, **tags: str) -> Path:
    """Silence of `frames` times 1152/44100 seconds."""
    path.write_bytes(MP3_FRAME * frames)
    written = MP3(path)
    written.add_tags()
    _add_frames(written.tags, tags)
    written.save()
    return path


def write_flac(path: Path, seconds: int, **tags: str) -> Path:
    """A stream of no frames whose header tells its length: 44.1 kHz, stereo, 16 bit."""
    packed = 44100 << 44 | 1 << 41 | 15 << 36 | 44100 * seconds
    information = struct.pack(">HH6s", 4096, 4096, bytes(6)) + packed.to_bytes(8, "big") + bytes(16)
    path.write_bytes(b"fLaC" + b"\x80" + len(information).to_bytes(3, "big") + information)
    written = FLAC(path)
    for name, text in tags.items():
        written[name] = text
    written.save()
    return path


def _add_frames(frames: ID3, tags: dict[str, str]) -> None:
    kinds = {"title": TIT2, "artist": TPE1, "album": TALB, "genre": TCON, "date": TDRC, "tracknumber": TRCK}
    for name, text in tags.items():
        frames.add(kinds[name](encoding=3, text=text))


class Clock:
    """What the player takes for the time."""

    def __init__(self) -> None:
        self.now = datetime(2026, 1, 1, 12, 0, 0)

    def __call__(self) -> datetime:
        return self.now

    def advance(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(timed, "utc_now", clock)
    return clock


def application(directory: Path, **settings: str) -> Flask:
    database = f"sqlite:///{directory / 'assistant.sqlite3'}"
    environment = {"DATABASE_URL": database, "AUTO_MIGRATE": "true", "DATA_DIR": str(directory), "LOG_LEVEL": "ERROR"}
    return create_app("assistant", Settings.from_environment("assistant", environment | settings))


def calling(app: Flask) -> Call:
    http = app.test_client()

    def call(action: str, **parameters: Any) -> TestResponse:
        return http.post("/api/tools/music", json={"action": action, "parameters": parameters})

    return call


def data(answer: TestResponse) -> Any:
    """What a call that succeeded answers."""
    assert answer.status_code == 200, answer.text
    return answer.json["data"]
