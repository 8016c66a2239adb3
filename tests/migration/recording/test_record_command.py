"""``cutover record`` between real callers and a real origin."""

from __future__ import annotations

import base64
import gzip
import hashlib
import http.client
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from migration.recording.har import read_recording
from tests.support.net import free_port

ROOT = Path(__file__).parents[3]
TOKEN = "tok-3f9a8b7c6d5e"


class Shop(BaseHTTPRequestHandler):
    """The system that is recorded."""

    protocol_version = "HTTP/1.1"

    def answer(self, body: bytes, content_type: str = "application/json", *headers: tuple[str, str]) -> None:
        self.send_response(200)
        for name, value in (("Content-Type", content_type), ("Content-Length", str(len(body))), *headers):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        if path == "/image":
            self.answer(b"\x89PNG\xff\x00", "image/png")
        elif path == "/zipped":
            self.answer(gzip.compress(b'{"ok": true}'), "application/json", ("Content-Encoding", "gzip"))
        elif path == "/broken":
            self.send_response(200)
            self.send_header("Content-Length", "100")
            self.end_headers()
            self.wfile.write(b"abc")
            self.close_connection = True
        elif path == "/slow":
            self.server.entered.set()  # type: ignore[attr-defined]
            self.server.proceed.wait(10)  # type: ignore[attr-defined]
            self.answer(b'"at last"')
        else:
            self.answer(json.dumps({"path": self.path, "token": self.headers["Authorization"]}).encode())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/login":
            self.answer(
                json.dumps({"client_token": TOKEN, "max_tokens": 7, "note": f"use {TOKEN}"}).encode(),
                "application/json",
                ("Set-Cookie", f"sid={TOKEN}; Path=/; HttpOnly"),
            )
        else:
            self.answer(body, self.headers["Content-Type"])

    def log_message(self, *_: object) -> None:
        """Silence."""


@pytest.fixture
def shop() -> Iterator[ThreadingHTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Shop)
    server.entered, server.proceed = threading.Event(), threading.Event()  # type: ignore[attr-defined]
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


class Running:
    """A recorder at work."""

    def __init__(self, process: subprocess.Popen[str], port: int) -> None:
        self.process = process
        self.port = port

    def send(self, method: str, target: str, body: bytes | None = None, **headers: str) -> bytes:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request(method, target, body, {name.replace("_", "-"): value for name, value in headers.items()})
        with connection.getresponse() as response:
            try:
                return response.read()
            except http.client.IncompleteRead as partial:
                return partial.partial

    def stop(self, number: int = signal.SIGINT) -> str:
        """Send the signal to the whole group, as a terminal does, and return what was said."""
        os.killpg(self.process.pid, number)
        output, _ = self.process.communicate(timeout=20)
        assert "Traceback" not in output
        return output


@contextmanager
def recorder(upstream: str, out: Path, *options: str) -> Iterator[Running]:
    port = free_port()
    arguments = ["--upstream", upstream, "--listen", str(port), "--out", str(out), *options]
    process = subprocess.Popen(
        [sys.executable, "-u", "-c", "from migration.cli.record import record; record()", *arguments],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
    )  # fmt: skip
    try:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(f"Recording http://127.0.0.1:{port} -> {upstream}")
        yield Running(process, port)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


Recorded = list[dict[str, Any]]


@pytest.fixture
def record(shop: ThreadingHTTPServer, tmp_path: Path) -> Callable[..., Recorded]:
    """Record what ``traffic`` sends; gives the entries in the order of their start."""

    def run(traffic: Callable[[Running], object], *options: str) -> Recorded:
        out = tmp_path / "traffic.har"
        with recorder(f"http://127.0.0.1:{shop.server_port}", out, *options) as running:
            traffic(running)
            running.stop()
        return entries_of(out)

    return run


def entries_of(out: Path) -> Recorded:
    return sorted(json.loads(out.read_text())["log"]["entries"], key=lambda entry: entry["_index"])


def test_an_exchange_as_the_reader_sees_it(shop: ThreadingHTTPServer, tmp_path: Path) -> None:
    out = tmp_path / "deep" / "traffic.har"
    with recorder(f"http://127.0.0.1:{shop.server_port}", out) as running:
        running.send("POST", "/echo%2Fx?a=1&b=%20", "grüße".encode(), Content_Type="text/plain")
        said = running.stop()
    assert f"1 exchanges are in {out}." in said
    exchange = read_recording(out).exchanges[0]
    assert (exchange.request.method, exchange.request.target) == ("POST", "/echo%2Fx?a=1&b=%20")
    assert exchange.request.body == "grüße".encode()
    assert exchange.response is not None
    assert (exchange.response.status, exchange.response.body) == (200, "grüße".encode())
    assert exchange.response.content_type == "text/plain"
    assert exchange.response.elapsed_ms > 0


def test_bodies_that_are_not_text(record: Callable[..., Recorded]) -> None:
    def traffic(running: Running) -> None:
        running.send("GET", "/image")
        running.send("POST", "/echo", b"\xff\xfe\x00", Content_Type="application/octet-stream")
        running.send("GET", "/zipped")

    image, upload, zipped = record(traffic)
    content = image["response"]["content"]
    assert (content["encoding"], base64.b64decode(content["text"])) == ("base64", b"\x89PNG\xff\x00")
    post = upload["request"]["postData"]
    assert (post["_encoding"], base64.b64decode(post["text"])) == ("base64", b"\xff\xfe\x00")
    assert zipped["response"]["content"]["text"] == '{"ok": true}'


def test_long_bodies_are_cut_and_hashed(record: Callable[..., Recorded]) -> None:
    body = b"0123456789" * 100_000
    (entry,) = record(
        lambda running: running.send("POST", "/echo", body, Content_Type="text/plain"), "--body-limit=100"
    )
    for kept in (entry["request"]["postData"], entry["response"]["content"]):
        assert (kept["_truncated"], kept["_size"]) == (True, 1_000_000)
        assert kept["_sha256"] == hashlib.sha256(body).hexdigest()
        assert kept["text"] == body[:100].decode()


def log_in_and_use_it(running: Running) -> None:
    running.send("POST", "/login", b'{"user": "ada", "password": "tr0ub4dor"}', Content_Type="application/json")
    running.send(
        "GET", f"/things/{TOKEN}?api_key=k-123456789", Authorization=f"Bearer {TOKEN}", Cookie=f"sid={TOKEN}; a=b"
    )
    running.send("POST", "/echo", b"user=ada&password=tr0ub4dor", Content_Type="application/x-www-form-urlencoded")


def test_secrets_become_pseudonyms_that_still_agree(record: Callable[..., Recorded]) -> None:
    entries = record(log_in_and_use_it)
    text = json.dumps(entries)
    for secret in (TOKEN, "tr0ub4dor", "k-123456789"):
        assert secret not in text
    login, use, form = entries
    given = json.loads(login["response"]["content"]["text"])
    pseudonym = given["client_token"]
    assert pseudonym.startswith("redacted-")
    assert given == {"client_token": pseudonym, "max_tokens": 7, "note": f"use {pseudonym}"}
    assert headers_of(login["response"])["Set-Cookie"] == f"sid={pseudonym}; Path=/; HttpOnly"
    assert headers_of(use["request"])["Authorization"] == f"Bearer {pseudonym}"
    assert headers_of(use["request"])["Cookie"].startswith(f"sid={pseudonym}; a=redacted-")
    assert f"/things/{pseudonym}?api_key=redacted-" in use["request"]["url"]
    password = json.loads(login["request"]["postData"]["text"])["password"]
    assert form["request"]["postData"]["text"] == f"user=ada&password={password}"


def headers_of(message: dict[str, Any]) -> dict[str, str]:
    return {header["name"]: header["value"] for header in message["headers"]}


def test_secrets_can_be_kept(record: Callable[..., Recorded]) -> None:
    login, use, _ = record(log_in_and_use_it, "--no-redact")
    assert json.loads(login["response"]["content"]["text"])["client_token"] == TOKEN
    assert headers_of(use["request"])["Authorization"] == f"Bearer {TOKEN}"


def test_pseudonyms_differ_between_recordings(shop: ThreadingHTTPServer, tmp_path: Path) -> None:
    seen = set()
    for name in ("one.har", "two.har"):
        with recorder(f"http://127.0.0.1:{shop.server_port}", tmp_path / name) as running:
            running.send("GET", "/", Authorization=f"Bearer {TOKEN}")
            running.stop()
        seen.add(headers_of(entries_of(tmp_path / name)[0]["request"])["Authorization"])
    assert len(seen) == 2


def test_exchanges_without_an_answer(record: Callable[..., Recorded], shop: ThreadingHTTPServer) -> None:
    def traffic(running: Running) -> None:
        assert running.send("GET", "/broken") == b"abc"
        shop.shutdown()
        shop.server_close()
        assert b"upstream_" in running.send("GET", "/gone")

    broken, gone = record(traffic)
    assert [entry["response"]["status"] for entry in (broken, gone)] == [0, 0]
    assert "in the middle of its answer" in broken["comment"]
    assert gone["comment"]


def test_what_is_going_on_at_the_stop_is_recorded(shop: ThreadingHTTPServer, tmp_path: Path) -> None:
    out = tmp_path / "traffic.har"
    with recorder(f"http://127.0.0.1:{shop.server_port}", out) as running:
        answers: list[bytes] = []
        caller = threading.Thread(target=lambda: answers.append(running.send("GET", "/slow")))
        caller.start()
        assert shop.entered.wait(10)  # type: ignore[attr-defined]
        os.killpg(running.process.pid, signal.SIGINT)
        shop.proceed.set()  # type: ignore[attr-defined]
        caller.join(10)
        output, _ = running.process.communicate(timeout=20)
    assert answers == [b'"at last"']
    assert "1 exchanges" in output
    assert running.process.returncode == 0
    assert len(entries_of(out)) == 1


def test_a_killed_recorder_leaves_a_whole_file(shop: ThreadingHTTPServer, tmp_path: Path) -> None:
    out = tmp_path / "traffic.har"
    with recorder(f"http://127.0.0.1:{shop.server_port}", out) as running:
        for number in range(5):
            running.send("GET", f"/{number}", Connection="close")
        running.stop(signal.SIGKILL)
    assert 4 <= len(entries_of(out)) <= 5


def test_many_callers_at_once(record: Callable[..., Recorded]) -> None:
    def traffic(running: Running) -> None:
        def call(caller: int) -> None:
            for number in range(10):
                assert f"/{caller}/{number}".encode() in running.send("GET", f"/{caller}/{number}")

        callers = [threading.Thread(target=call, args=(caller,)) for caller in range(8)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join(30)

    entries = record(traffic)
    assert [entry["_index"] for entry in entries] == list(range(80))
    for entry in entries:
        assert json.loads(entry["response"]["content"]["text"])["path"] == urlsplit(entry["request"]["url"]).path


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        (["--upstream", "nowhere", "--listen", "0", "--out", "x.har"], "must be a URL like"),
        (["--upstream", "http://h", "--listen", "0", "--out", __file__], "exists already"),
        (["--upstream", "http://h", "--listen", "0", "--out", "/proc/x/y.har"], "can't be written"),
        (["--upstream", "http://h", "--host", "203.0.113.1", "--listen", "0", "--out", "x.har"], "Nothing can listen"),
    ],
)
def test_impossible_recordings_are_refused(options: list[str], complaint: str) -> None:
    finished = subprocess.run(
        [sys.executable, "-c", "from migration.cli.record import record; record()", *options],
        cwd=ROOT, capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    assert finished.returncode == 2
    assert complaint in finished.stderr
    assert len(finished.stderr.splitlines()) == 1
