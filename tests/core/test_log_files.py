"""Log files: two for each domain, turned by size, whole lines whoever writes, and no secrets in them."""

from __future__ import annotations

import json
import multiprocessing
import threading
from pathlib import Path

import pytest

from backend.core.hiding import hide_tokens, hide_values, shown_path
from backend.core.log_files import SharedFile
from backend.core.settings import Settings, SettingsError


def write_many(path: Path, writer: int, lines: int) -> None:
    lost: list[None] = []
    file = SharedFile(path, largest=20_000, kept=1000, on_lost=lambda: lost.append(None))

    def write(numbers: range) -> None:
        for number in numbers:
            file.write(json.dumps({"writer": writer, "number": number, "filling": "x" * 100}))

    threads = [threading.Thread(target=write, args=(range(first, lines, 3),)) for first in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert lost == []


def test_processes_that_write_and_turn_a_file_together_lose_no_line(tmp_path: Path) -> None:
    path = tmp_path / "toy.log"
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=write_many, args=(path, writer, 800)) for writer in range(3)]
    for process in writers:
        process.start()
    for process in writers:
        process.join(60)
    assert [process.exitcode for process in writers] == [0, 0, 0]
    files = sorted(tmp_path.glob("toy.log*"))
    whole = sum(file.stat().st_size for file in files)
    # None was turned before it was full.
    assert len(files) <= whole // 20_000 + 1
    assert all(file.stat().st_size < 21_000 for file in files)
    found = [json.loads(line) for file in files for line in file.read_text().splitlines()]
    assert sorted((line["writer"], line["number"]) for line in found) == [(w, n) for w in range(3) for n in range(800)]


def test_only_so_many_files_are_kept_and_the_newest_lines_are_in_them(tmp_path: Path) -> None:
    file = SharedFile(tmp_path / "toy.log", largest=100, kept=5)
    for number in range(100):
        file.write(f"{number:030d}")
    assert sorted(each.name for each in tmp_path.glob("toy.log*")) == [
        "toy.log",
        *(f"toy.log.{n}" for n in range(1, 6)),
    ]
    newest = (tmp_path / "toy.log").read_text() + (tmp_path / "toy.log.1").read_text()
    assert {int(line) for line in newest.split()} >= {97, 98, 99}


def test_a_full_disk_costs_lines_not_requests() -> None:
    lost: list[None] = []
    full = SharedFile(Path("/dev/full"), on_lost=lambda: lost.append(None))
    full.write("lost")
    assert len(lost) == 1


@pytest.mark.parametrize("kind", ["a file", "below a file"])
def test_a_directory_that_can_t_be_used_is_refused(tmp_path: Path, kind: str) -> None:
    (tmp_path / "occupied").write_text("")
    value = tmp_path / "occupied" / ("" if kind == "a file" else "logs")
    from backend.core.app import new_app

    with pytest.raises(SettingsError, match="LOG_DIR must be a directory"):
        new_app("toy", Settings.from_environment("toy", {"LOG_DIR": str(value)}))


def test_the_defaults_are_five_files_of_ten_mebibytes() -> None:
    from backend.core import log_files

    assert (log_files.LARGEST, log_files.KEPT) == (10 * 1024 * 1024, 5)


SECRET = "hunter2-Zq81"


@pytest.mark.parametrize(
    "text",
    [
        f"1062 (23000): Duplicate entry '{SECRET}' for key 'clients.token'",
        f"(1366, \"Incorrect integer value: 'it's {SECRET}' for column 'port' at row 1\")",
        f"Key (token)=({SECRET}) already exists.",
        f"Failing row contains (1, {SECRET}, null).",
        f"invalid literal for int() with base 10: '{SECRET}'",
        f"could not convert string to float: '{SECRET}'",
        f'invalid input syntax for type integer: "{SECRET}"',
        f"time data '{SECRET}' does not match format '%Y'",
        f"can't connect to mysql://cutover:{SECRET}@host/spot",
        f"GET /api/agents?token={SECRET} failed",
        f"Authorization: Bearer {SECRET}",
        f'{{"password": "{SECRET}"}}',
        f"password={SECRET}",
    ],
)
def test_what_was_sent_is_hidden_in_texts_of_errors(text: str) -> None:
    assert "hunter2" not in hide_values(text)


@pytest.mark.parametrize(
    "text",
    [
        "1054 (42S22): Unknown column 'pool' in 'field list'",
        "'NoneType' object has no attribute 'rule'",
        "The database can't be reached, and that isn't new.",
        "QueuePool limit of size 10 overflow 0 reached, connection timed out, timeout 30.00",
        "agent 6141df67-56e0-4d4d-9a74-02c91625b742 is unknown",
    ],
)
def test_what_helps_is_left(text: str) -> None:
    assert hide_values(text) == text


@pytest.mark.parametrize(
    ("path", "route", "shown"),
    [
        ("/reset/abc", "/reset/<token>", "/reset/***"),
        ("/a/abc/b", "/a/<string:api_key>/b", "/a/***/b"),
        ("/x/token-P60MuM2WQ6yWHe7UzCYQ4jcFc63QDDDY", None, "/x/***"),
        ("/x/eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", "/x/<name>", "/x/***"),
        ("/api/agents/6141df67-56e0-4d4d-9a74-02c91625b742/config", None, None),
        ("/api/admin/decision-engine/upload", None, None),
        ("/api/agents/web-01/replicas", None, None),
    ],
)
def test_paths_are_shown_without_secrets(path: str, route: str | None, shown: str | None) -> None:
    assert shown_path(path, route) == (shown or path)


def test_messages_keep_their_words() -> None:
    text = "The ledger can't be read; the last known routes stay in force: connection refused"
    assert hide_tokens(text) == text
