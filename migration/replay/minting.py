"""Which values of a recording the server made up, told by how they flow: first answered, later sent back."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, unquote

from migration.compare.locations import child
from migration.compare.values import generated_values
from migration.recording.exchange import Exchange, Recording, Request

#: Headers in which callers send identifiers; what others hold is the caller's own.
_CARRIERS = {"authorization", "cookie", "if-match", "if-none-match"}
_RUN = re.compile(r"[A-Za-z0-9_-]+")
_LOOKS_MADE_UP = re.compile(r"(?=\S*\d)\S{3,4096}|\S{20,4096}")
_SHORTEST_CREDENTIAL = 6
_LONGEST_SEARCHED = 1 << 20
_ID_NUMBER = re.compile(r'"[A-Za-z_]*(?:[a-z]I[dD]|\bid|_id)"\s*:\s*(\d+)(?![\w.-])')
_QUERY_NUMBER = re.compile(r"(?:[a-z]I[dD]|\bid|_id)=(\d+)(?![\w.%-])")


def carried_values(request: Request) -> set[str]:
    """Values in ``request`` that may name something: whole segments, parameters, members and credentials, runs of
    identifier characters in them, and patterns within those."""
    credentials = [
        value for name, value in request.headers if name.lower() in _CARRIERS or name.lower().startswith("x-")
    ]
    text = _text(request.body)
    wholes = {unquote(segment) for segment in request.path.split("/")}
    wholes |= {value for _, value in parse_qsl(request.query or "")}
    wholes |= _texts_in(text)
    everything = "\n".join([request.target, text, *credentials])
    values = wholes | set(_RUN.findall(everything))
    named = {value for value in values if _LOOKS_MADE_UP.fullmatch(value) and not value.isdigit()}
    named |= {word for value in credentials for word in _words(value) if len(word) >= _SHORTEST_CREDENTIAL}
    return named | generated_values(everything) | _numbers(request, text)


def _words(value: str) -> Iterator[str]:
    """The parts of a credential header: what follows the scheme, the values of cookies."""
    for word in re.split(r"[\s;,]+", value):
        yield word
        yield word.partition("=")[2]


def _texts_in(text: str) -> set[str]:
    """Every text in a JSON document; nothing where it is none."""
    return {value for _, value in _leaves(text) if isinstance(value, str)}


def _leaves(text: str) -> Iterator[tuple[str, Any]]:
    """Every single value in a JSON document, with its folded location; nothing where it is no JSON."""
    if text[:1] not in ("{", "[", '"'):
        return
    try:
        waiting = [("body", json.loads(text))]
    except ValueError:
        return
    while waiting:
        location, value = waiting.pop()
        if isinstance(value, dict):
            waiting.extend((child(location, key), member) for key, member in value.items())
        elif isinstance(value, list):
            waiting.extend((f"{location}[]", member) for member in value)
        else:
            yield location, value


def _numbers(request: Request, text: str) -> set[str]:
    """Whole numbers that name something: path segments, and members called id."""
    segments = {segment for segment in request.path.split("/") if segment.isdigit()}
    return segments | set(_ID_NUMBER.findall(text)) | set(_QUERY_NUMBER.findall(f"{request.query or ''}&{text}"))


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace") if len(body) <= _LONGEST_SEARCHED else ""


class Minting:
    """For the exchanges of one recording: which values came from the server, and which exchange brought them."""

    def __init__(self, recording: Recording) -> None:
        self._carried = {exchange.index: carried_values(exchange.request) for exchange in recording.exchanges}
        self._minted_by = self._find_mints(recording)

    def _find_mints(self, recording: Recording) -> dict[str, int]:
        last_use: dict[str, int] = {}
        for index, values in self._carried.items():
            last_use.update(dict.fromkeys(values, index))
        minted: dict[str, int] = {}
        sent: set[str] = set()
        for exchange in recording.exchanges:
            sent |= self._carried[exchange.index]
            for value in _answered_values(exchange):
                if last_use.get(value, -1) > exchange.index and value not in sent:
                    minted.setdefault(value, exchange.index)
        return minted

    def is_minted(self, value: str) -> bool:
        """Whether the recorded server made ``value`` up and a caller sent it back."""
        return value in self._minted_by

    def given(self, exchange: Exchange) -> set[str]:
        """Words in the request of ``exchange`` that the server did not make up: the caller knew them from elsewhere."""
        return {value for value in self._carried[exchange.index] if not value.isdigit() and not self.is_minted(value)}

    def needs(self, exchange: Exchange) -> set[int]:
        """The exchanges whose answers brought the values that ``exchange`` sends."""
        found = (self._minted_by.get(value) for value in self._carried[exchange.index])
        return {index for index in found if index is not None and index < exchange.index}

    def generated_places(self, exchange: Exchange) -> Iterator[tuple[str, bool]]:
        """Folded locations in the recorded answer that hold a minted value of a form that no pattern knows.

        The flag tells that the value is a whole number.
        """
        if exchange.response is None or not self._minted_by:
            return
        for location, value in _leaves(_text(exchange.response.body)):
            number = isinstance(value, int) and not isinstance(value, bool)
            known_form = not number and generated_values(str(value)) == {value}
            if (number or isinstance(value, str)) and not known_form and self.is_minted(str(value)):
                yield location, number


def _answered_values(exchange: Exchange) -> set[str]:
    if exchange.response is None:
        return set()
    named = ("location", "set-cookie", "etag", "link")
    headers = [
        value for name, value in exchange.response.headers if name.lower() in named or name.lower().startswith("x-")
    ]
    text = _text(exchange.response.body)
    everything = "\n".join([text, *headers])
    words = {word for value in headers for word in _words(value)}
    return words | _texts_in(text) | set(_RUN.findall(everything)) | generated_values(everything)
