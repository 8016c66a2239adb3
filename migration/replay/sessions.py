"""Sessions: the exchanges of one caller, in order. Inferred from what callers show: tokens, cookies, identifiers."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from migration.recording.exchange import Exchange, Recording, Request, header
from migration.replay.minting import Minting

ANONYMOUS = "anonymous"
_SCHEME = re.compile(r"^[A-Za-z]+\s+")
_KEY_HEADERS = ("x-api-key", "api-key", "x-auth-token", "x-session-id", "x-client-id")


def session_of(request: Request, minting: Minting) -> str:
    """The name of the caller's session.

    A caller is known by its credentials (hashed, since names of sessions are shown), else by the first identifier in
    its path that the server once made up; who shows neither is :data:`ANONYMOUS`.
    """
    for name in ("authorization", "cookie", *_KEY_HEADERS):
        value = header(request.headers, name)
        if value:
            secret = _SCHEME.sub("", value)
            return f"{name} {hashlib.sha256(secret.encode()).hexdigest()[:8]}"
    segments = request.path.split("/")
    return next((segment for segment in segments if minting.is_minted(segment)), ANONYMOUS)


@dataclass(frozen=True, slots=True)
class Step:
    """One exchange with its session and the positions (in the plan) that must be done before it is sent."""

    exchange: Exchange
    session: str
    after: frozenset[int]


def plan(recording: Recording, minting: Minting) -> list[Step]:
    """The exchanges of ``recording`` with what each waits for.

    An exchange waits for the one before it in its session, for those that brought the values it sends, and for
    everything before the last seed that comes before it; a seed waits for all that comes before.
    """
    position = {exchange.index: at for at, exchange in enumerate(recording.exchanges)}
    barriers = {seed.before for seed in recording.seeds}
    latest: dict[str, int] = {}
    since_barrier: list[int] = []
    steps: list[Step] = []
    gate: frozenset[int] = frozenset()
    for at, exchange in enumerate(recording.exchanges):
        session = session_of(exchange.request, minting)
        after = {position[index] for index in minting.needs(exchange)}
        if session in latest:
            after.add(latest[session])
        if exchange.index in barriers:
            after |= set(since_barrier) | gate
            since_barrier, gate = [], frozenset({at})
        steps.append(Step(exchange, session, frozenset(after) | (gate - {at})))
        latest[session] = at
        since_barrier.append(at)
    return steps
