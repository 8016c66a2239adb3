"""How many exchanges a replay compares in a second, against sending the same requests and nothing else."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from statistics import median
from urllib.parse import urlsplit

from benchmarks.caller import Caller, message
from benchmarks.ratio import Effort, Ratio
from benchmarks.servers import ROOT
from migration.recording.exchange import Recording, Request
from migration.recording.har import read_recording
from migration.replay.events import ExchangeCompared, RecordingStarted
from migration.replay.options import Options
from migration.replay.rewriting import headers_to_send
from migration.replay.run import Run
from migration.targets.side import Side, open_side

NAME = "replay"
_RECORDING = ROOT / "tests" / "recordings" / "spot" / "agent-lifecycle.har"
_MONOLITH = "legacy.spot:create_app()"
#: A round is a replay of the whole recording on a fresh server.
_MOST_ROUNDS = 5


def run(effort: Effort) -> Iterator[Ratio]:
    """Replay a recording against the bundled monolith, then send the monolith the same requests in a bare loop."""
    recording = read_recording(_RECORDING)
    replays, loops = [], []
    for _ in range(min(effort.rounds, _MOST_ROUNDS)):
        with open_side(_MONOLITH, None, clear=False) as side:
            seconds, requests = _replay(recording, side)
            replays.append(len(requests) / seconds)
            loops.append(len(requests) / _loop(requests, side))
    yield Ratio(
        NAME,
        "exchanges per second, replay with control=recording / bare loop",
        median(replays) / median(loops),
        f"{median(replays):.0f}/s / {median(loops):.0f}/s, {len(recording.exchanges)} exchanges",
    )


def _replay(recording: Recording, side: Side) -> tuple[float, list[Request]]:
    """Seconds from the first exchange to the last verdict, and what was sent."""
    sent: list[Request] = []
    began = 0.0
    for event in Run([recording], None, side, Options()).events():
        if isinstance(event, RecordingStarted):
            began = time.perf_counter()
        elif isinstance(event, ExchangeCompared):
            sent.append(event.verdict.candidate_request)
            ended = time.perf_counter()
    return ended - began, sent


def _loop(requests: Sequence[Request], side: Side) -> float:
    """Seconds for sending ``requests`` to a side that has seen them before, so that their ids still mean something."""
    messages = [_message(request) for request in requests]
    with Caller(urlsplit(side.url).port or 80) as caller:
        began = time.perf_counter()
        for each in messages:
            caller.call(each)
        return time.perf_counter() - began


def _message(request: Request) -> bytes:
    headers = [f"{name}: {value}" for name, value in headers_to_send(request.headers)]
    if request.body or request.method == "POST":
        headers.append(f"Content-Length: {len(request.body)}")
    return message(request.method, request.target, headers, request.body)
