"""Tailor packs whose server dies in the middle: each is there as a whole or not at all."""

from __future__ import annotations

import http.client
import os
import random
import signal
import threading
import time
from pathlib import Path

from tests.assistant.packs import archive, installed, members, on_disk, post, send
from tests.assistant.tools import Tools, tools_on
from tests.support.serving import serving

MARKETING = "marketing_essentials"


def test_what_a_crash_leaves_is_finished_or_undone_at_the_next_start(tools: Tools) -> None:
    send(tools, archive())
    packs = tools.directory / "data" / "packs"
    (directory,) = (path for path in packs.iterdir() if path.is_dir())
    whole = post(tools, f"/export/{MARKETING}").data
    # Killed after its row was written, before it got its name:
    directory.rename(packs / f".incoming-{directory.name}")
    # Killed before its row was written, and after a higher version had replaced it:
    unfinished = packs / f".incoming-sales-{'0' * 16}"
    replaced = packs / f"{MARKETING}-{'0' * 16}"
    # Of a pack that this database does not know, and nothing of ours:
    foreign, other = packs / f"sales-{'1' * 16}", packs / "notes"
    for path in (unfinished, replaced, foreign, other):
        path.mkdir()
        (path / "manifest.json").write_text("{}")
    again = tools.restarted()
    assert post(again, f"/export/{MARKETING}").data == whole
    assert {path.name for path in packs.iterdir() if path.is_dir()} == {directory.name, foreign.name, other.name}


def test_a_server_that_is_killed_leaves_each_pack_whole_or_away(tmp_path: Path) -> None:
    """Killed in the middle of one import after the other: what its rows say is there, and nothing else is."""
    noise = {f"{number}.bin": bytes([number]) * 20_000 for number in range(30)}
    environment = {
        "ASSISTANT_DATABASE_URL": f"sqlite:///{tmp_path / 'assistant.sqlite3'}",
        "DATA_DIR": str(tmp_path / "data"),
        "LOG_LEVEL": "ERROR",
    }
    archives = {f"1.0.{number}": archive(noise, version=f"1.0.{number}") for number in range(400)}
    for _ in range(2):
        with serving("backend:create_app('assistant')", tmp_path, environment) as server:
            imported = threading.Event()

            def import_all(port: int = server.port, imported: threading.Event = imported) -> None:
                for content in archives.values():
                    status = upload(port, content)
                    if status == 0:
                        return
                    if status == 200:
                        imported.set()

            importing = threading.Thread(target=import_all)
            importing.start()
            assert imported.wait(60)
            time.sleep(random.uniform(0, 0.2))  # wherever it is by then
            os.killpg(server.process.pid, signal.SIGKILL)
            importing.join(60)
    tools = tools_on(environment["ASSISTANT_DATABASE_URL"], tmp_path)
    exported = post(tools, f"/export/{MARKETING}")
    pack = installed(tools)[MARKETING]
    assert members(exported.data) == members(archives[pack["version"]])
    (directory,) = {path.partition("/")[0] for path in on_disk(tools)}
    assert tools.sql("SELECT directory FROM tailor_packs") == [(directory,)]


def upload(port: int, content: bytes) -> int:
    """The status of an upload's answer; 0 where there is none."""
    head = b'--b\r\nContent-Disposition: form-data; name="packFile"; filename="p.zip"\r\n\r\n'
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        connection.request("POST", "/api/tailor-packs/import-file", head + content + b"\r\n--b--\r\n", headers)
        return connection.getresponse().status
    except (OSError, http.client.HTTPException):
        return 0
    finally:
        connection.close()
