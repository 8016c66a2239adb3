"""Recordings from recorders, browsers and mitmproxy are read for what callers really sent."""

from __future__ import annotations

import base64
import hashlib
import json
from pathlib import Path
from typing import Any

import pytest

from migration.recording.errors import RecordingError
from migration.recording.exchange import Recording, header
from migration.recording.har import raw_target, read_recording


def entry(url: str = "http://h.test/x", method: str = "GET", status: int = 200, **extra: Any) -> dict[str, Any]:
    """A HAR entry; ``post`` and ``content`` go into request and response."""
    request: dict[str, Any] = {"method": method, "url": url, "headers": extra.get("headers", [])}
    if "post" in extra:
        request["postData"] = extra["post"]
    if "cookies" in extra:
        request["cookies"] = extra["cookies"]
    return {
        "startedDateTime": extra.get("started", "2026-11-21T03:00:00.000Z"),
        "time": 12.5,
        "request": request,
        "response": {"status": status, "headers": [], "content": extra.get("content", {})},
        **extra.get("more", {}),
    }


def read(tmp_path: Path, *entries: dict[str, Any], sidecar: Any = None) -> Recording:
    path = tmp_path / "traffic.har"
    path.write_text(json.dumps({"log": {"version": "1.2", "entries": list(entries)}}))
    if sidecar is not None:
        (tmp_path / "traffic.sidecar.json").write_text(json.dumps(sidecar))
    return read_recording(path)


@pytest.mark.parametrize(
    ("url", "target"),
    [
        ("http://h.test/a%2Fb/../c?x=%20&y", "/a%2Fb/../c?x=%20&y"),
        ("https://h.test", "/"),
        ("http://h.test?q=1", "/?q=1"),
        ("http://h.test/a?u=http://other/x#part", "/a?u=http://other/x"),
        ("http://h.test/a?", "/a?"),
    ],
)
def test_targets_are_kept_as_written(url: str, target: str) -> None:
    assert raw_target(url) == target


def test_pseudo_headers_are_left_out_and_cookies_put_in(tmp_path: Path) -> None:
    headers = [{"name": ":method", "value": "GET"}, {"name": "Accept", "value": "*/*"}]
    (exchange,) = read(tmp_path, entry(headers=headers, cookies=[{"name": "sid", "value": "abc"}])).exchanges
    assert exchange.request.headers == (("Accept", "*/*"), ("Cookie", "sid=abc"))


@pytest.mark.parametrize(
    ("post", "body"),
    [
        ({"mimeType": "application/json", "text": '{"ü": 1}'}, '{"ü": 1}'.encode()),
        ({"text": base64.b64encode(b"\xff\x00").decode(), "_encoding": "base64"}, b"\xff\x00"),
        (
            {"mimeType": "application/x-www-form-urlencoded", "params": [{"name": "a b", "value": "1&2"}]},
            b"a+b=1%262",
        ),
    ],
)
def test_request_bodies(tmp_path: Path, post: dict[str, Any], body: bytes) -> None:
    assert read(tmp_path, entry(method="POST", post=post)).exchanges[0].request.body == body


def test_response_bodies(tmp_path: Path) -> None:
    text = read(tmp_path, entry(content={"text": "süß"})).exchanges[0].response
    assert text is not None
    assert (text.body, text.elapsed_ms) == ("süß".encode(), 12.5)
    content = {"text": base64.b64encode(b"\x89PNG").decode(), "encoding": "base64"}
    image = read(tmp_path, entry(content=content)).exchanges[0].response
    assert image is not None and image.body == b"\x89PNG"


def test_a_body_that_was_cut_is_rebuilt_to_its_hash_or_refused(tmp_path: Path) -> None:
    head = b'--B\r\nContent-Disposition: form-data; name="files"; filename="big.bin"\r\n\r\n'
    whole = head + b"A" * 1000 + b"\r\n--B--\r\n"
    post = {
        "text": "",
        "_truncated": True,
        "_size": len(whole),
        "_sha256": hashlib.sha256(whole).hexdigest(),
        "comment": "one part named files, filename big.bin, content is the letter A repeated 1000 times",
    }
    headers = [{"name": "Content-Type", "value": "multipart/form-data; boundary=B"}]
    assert read(tmp_path, entry(method="POST", post=post, headers=headers)).exchanges[0].request.body == whole
    with pytest.raises(RecordingError, match="was cut by the recorder and can't be rebuilt"):
        read(tmp_path, entry(method="POST", post=post | {"_sha256": "0" * 64}, headers=headers))


def test_no_answer_and_websockets(tmp_path: Path) -> None:
    socket = entry(more={"_resourceType": "websocket"})
    refused = entry(status=0)
    recording = read(tmp_path, socket, refused)
    assert [(exchange.index, exchange.response) for exchange in recording.exchanges] == [(1, None)]


def test_exchanges_stand_in_the_order_in_which_they_began(tmp_path: Path) -> None:
    later, earlier = entry("http://h/2", more={"_index": 1}), entry("http://h/1", more={"_index": 0})
    assert [e.request.target for e in read(tmp_path, later, earlier).exchanges] == ["/1", "/2"]


def test_times_without_a_zone_are_utc(tmp_path: Path) -> None:
    (exchange,) = read(tmp_path, entry(started="2026-11-21T03:00:00")).exchanges
    assert exchange.started.isoformat() == "2026-11-21T03:00:00+00:00"


def test_a_sidecar_names_routes_and_seeds(tmp_path: Path) -> None:
    (tmp_path / "seed-rows.json").write_text('{"groups": {"g": []}}')
    sidecar = {
        "seeds": [{"before_exchange": 0, "group": "g"}],
        "entries": [{"index": 0, "operation": "GET /x/<id>"}],
    }
    recording = read(tmp_path, entry(), sidecar=sidecar)
    assert recording.exchanges[0].operation == "GET /x/<id>"
    assert [(seed.before, seed.group) for seed in recording.seeds] == [(0, "g")]
    assert recording.rows_file == tmp_path / "seed-rows.json"


@pytest.mark.parametrize(("sidecar", "complaint"), [([], "must hold a JSON object"), ({"seeds": [1]}, "not a sidecar")])
def test_a_broken_sidecar_is_refused(tmp_path: Path, sidecar: Any, complaint: str) -> None:
    with pytest.raises(RecordingError, match=complaint):
        read(tmp_path, entry(), sidecar=sidecar)


def test_seeds_without_a_rows_file_are_refused(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="Name one with --rows FILE"):
        read(tmp_path, entry(), sidecar={"seeds": [{"before_exchange": 0, "group": "g"}]})


def test_header_lookup_ignores_case() -> None:
    assert header((("X-A", "1"), ("x-a", "2")), "x-A") == "1"
    assert header((), "x", "none") == "none"
