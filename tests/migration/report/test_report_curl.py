"""Curl lines, run by a real shell with a real curl against a real server."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from migration.recording.exchange import Request
from migration.report.curl import curl

JSON_TYPE = ("Content-Type", "application/json")


class _Server(ThreadingHTTPServer):
    """Remembers the last request it got."""

    last: tuple[str, str, dict[str, str], bytes]


class _Handler(BaseHTTPRequestHandler):
    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        headers = {name.lower(): value for name, value in self.headers.items()}
        # The path as it came, before the base class makes "//" one slash.
        self.server.last = (self.command, self.requestline.split(" ")[1], headers, body)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_GET = do_POST = do_PUT = do_DELETE = do_HEAD = _answer  # noqa: N815

    def log_message(self, *args) -> None:
        """Be quiet."""


@pytest.fixture(scope="module")
def server():
    if missing := [name for name in ("bash", "curl") if not shutil.which(name)]:
        reason = f"curl lines are tested with {' and '.join(missing)}: install it"
        if os.environ.get("CI", "").lower() == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    with _Server(("127.0.0.1", 0), _Handler) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield running
        running.shutdown()


def run(line: str, **variables: str) -> None:
    environment = {"PATH": os.environ["PATH"], "NO_PROXY": "*"} | variables
    subprocess.run(["bash", "-c", line], env=environment, check=True, capture_output=True, timeout=20)


def sent(server: _Server, request: Request, route: str = "", **variables: str):
    run(curl(request, f"http://127.0.0.1:{server.server_port}/", route), **variables)
    return server.last


@pytest.mark.parametrize(
    "request_",
    [
        Request("GET", "/plain"),
        Request("GET", "/a/../b//c?x=[1-3]&y={a,b}&z=%20'"),
        Request("HEAD", "/health"),
        Request("DELETE", "/a?x=$HOME`id`\\"),
        Request("POST", "/json", (JSON_TYPE,), b'{"it\'s": "a \\"quoted\\" $HOME `id` \\\\ !", "umlaut": "\xc3\xa4"}'),
        Request("POST", "/lines", (("Content-Type", "text/plain"),), b"one\r\n\ttwo\x01\x1b\x7f\n"),
        Request("PUT", "/binary", (("Content-Type", "application/octet-stream"),), bytes(range(256))),
        Request("POST", "/at", (("Content-Type", "text/plain"),), b"@/etc/hostname"),
        Request("GET", "/get-with-body", (JSON_TYPE,), b"[]"),
        Request("POST", "/form", (("Content-Type", "application/x-www-form-urlencoded"),), b"a=1+2&b=%26"),
    ],
    ids=lambda request: request.target.partition("?")[0],
)
def test_sends_the_same_request(server, request_):
    method, target, headers, body = sent(server, request_)
    assert (method, target, body) == (request_.method, request_.target, request_.body)
    assert headers.get("content-type") == (request_.content_type or None)


def test_sends_the_headers_of_the_request_and_none_of_the_connection(server):
    request = Request("POST", "/h", (("Content-Length", "99"), ("X-One", "it's"), ("X-Empty", "")), b"x")
    _, _, headers, _ = sent(server, request)
    assert headers["host"] == f"127.0.0.1:{server.server_port}"
    assert (headers["content-length"], headers["x-one"], headers["x-empty"]) == ("1", "it's", "")
    assert "content-type" not in headers


def test_names_another_host_where_the_caller_did(server):
    _, _, headers, _ = sent(server, Request("GET", "/h", (("Host", "evil.example:8756"),)))
    assert headers["host"] == "evil.example:8756"


def test_bytes_outside_ascii_in_a_path_stay_bytes(server):
    _, target, _, _ = sent(server, Request("GET", "/\xc3\xa4"))
    assert target.lower() == "/%c3%a4"  # curl escapes them itself


def test_secrets_are_variables_of_the_shell(server):
    request = Request(
        "POST",
        "/x?api_key=q-secret-1",
        (("Authorization", "Bearer t-secret-2"), ("Cookie", "sid=c-secret-3"), JSON_TYPE),
        b'{"password": "p-4", "token": "t-secret-2", "n": 1}',
    )
    assert "secret" not in curl(request)
    _, target, headers, body = sent(server, request, API_KEY="k", TOKEN="t $t", COOKIE_SID="c", PASSWORD="p'")
    assert target == "/x?api_key=k"
    assert (headers["authorization"], headers["cookie"]) == ("Bearer t $t", "sid=c")
    assert body == b'{"password": "p\'", "token": "t $t", "n": 1}'


def test_two_secrets_of_one_name_are_two_variables():
    line = curl(Request("POST", "/", (JSON_TYPE,), b'[{"token": "first-one"}, {"token": "second-one"}]'))
    assert '"$TOKEN"' in line and '"$TOKEN_2"' in line


def test_a_candidate_without_url_is_a_variable(server):
    run(curl(Request("GET", "/health?x=1")), CANDIDATE=f"http://127.0.0.1:{server.server_port}")
    assert server.last[1] == "/health?x=1"


def test_a_long_body_is_a_file():
    line = curl(Request("POST", "/", (), b"x" * 10_000))
    assert line.endswith("--data-binary @body")
    assert len(line) < 200


def test_a_binary_body_that_may_hold_secrets_is_a_file():
    with_password = Request("POST", "/", (), b'\xff{"password": "hunter2-secret"}')
    with_token = Request("POST", "/", (("Authorization", "Bearer known-secret"),), b"\xff known-secret")
    compressed = Request("POST", "/", (("Content-Encoding", "gzip"),), b"\x1f\x8b\x00\xff")
    assert all("--data-binary @body" in curl(request) for request in (with_password, with_token, compressed))
