"""A curl command line that sends a request again, for any POSIX-like shell with ``$'..'`` (bash, zsh, ksh).

Secrets are shell variables in it: set them (``TOKEN=...``) before running the line.
"""

from __future__ import annotations

import base64
import json
import re

from migration.recording.exchange import Request, header
from migration.report.content import Form, read
from migration.report.secrets import Masker

# What curl sets itself, or what belongs to the recorded connection and not to the request.
_LEFT_OUT = frozenset({"content-length", "connection", "transfer-encoding", "accept-encoding", "keep-alive"})
#: A longer body makes no line to copy; the line then names a file for it.
_BODY_BYTES = 8_192
_OPEN, _CLOSE = "\ue000", "\ue001"  # around the name of a variable; private use, so that no real text holds them
_PIECES = re.compile(f"{_OPEN}([A-Z0-9_]+){_CLOSE}")
_PLAIN = re.compile(r"[A-Za-z0-9_./:@%+,-]+")


class _Variables:
    """Stand-ins that become shell variables: one name for each secret, numbered where names repeat."""

    def __init__(self) -> None:
        self._names: dict[str, str] = {}

    def __call__(self, name: str, value: str) -> str:
        if value not in self._names:
            wanted = re.sub(r"[^A-Z0-9]+", "_", name.upper()).strip("_") or "SECRET"
            wanted = f"SECRET_{wanted}" if wanted[0].isdigit() else wanted
            taken = set(self._names.values())
            number = 2
            unique = wanted
            while unique in taken:
                unique, number = f"{wanted}_{number}", number + 1
            self._names[value] = unique
        return f"{_OPEN}{self._names[value]}{_CLOSE}"


def curl(request: Request, base_url: str = "", route: str = "") -> str:
    """The command line for ``request`` sent to ``base_url``, or to ``$CANDIDATE`` where no URL is known.

    Bodies that are not text are piped in as base64. A body that is over 8 KiB, or binary with secrets in it, has to be
    put into the file ``body``.
    """
    masker = Masker(_Variables())
    masker.headers(request.headers)  # first, so that a token is found in the path and the body too
    body, feed = _body(request, masker)
    words = ["curl", "-i", "-g", "--path-as-is", *_method(request)]
    base = masker.text(base_url.rstrip("/")) if base_url else f"{_OPEN}CANDIDATE{_CLOSE}"
    words.append(quote(base + masker.target(request.target, route), latin=True))
    names = {name.lower() for name, _ in request.headers}
    for name, value in masker.headers(request.headers):
        if name.lower() not in _LEFT_OUT:
            words += ["-H", quote(f"{name}: {value}" if value else f"{name};")]
    if "accept-encoding" in names:
        words.append("--compressed")
    if body and "content-type" not in names:
        words += ["-H", "Content-Type:"]  # else curl calls it a form
    return feed + " ".join(words + body)


def _method(request: Request) -> list[str]:
    # With -X HEAD curl would wait for a body that never comes.
    return ["--head"] if request.method == "HEAD" else ["-X", quote(request.method)]


def _body(request: Request, masker: Masker) -> tuple[list[str], str]:
    """The words that carry the body, and the command that feeds them, if any."""
    content = read(request.body, request.content_type)
    if content.form is Form.EMPTY:
        return [], ""
    if len(request.body) > _BODY_BYTES or (content.form is Form.BINARY and _may_hide_secrets(request, masker)):
        return ["--data-binary", "@body"], ""
    if content.form is Form.BINARY:
        encoded = base64.b64encode(request.body).decode("ascii")
        return ["--data-binary", "@-"], f"printf %s {quote(encoded)} | base64 -d | "
    text = content.value
    if content.form is Form.JSON:
        masked = masker.value(content.value)
        text = request.body.decode() if masked == content.value else json.dumps(masked, ensure_ascii=False)
    elif content.form is Form.FORM:
        text = masker.form(text)
    else:
        text = masker.text(text)
    # A leading @ would name a file.
    return ["--data-raw" if text.startswith("@") else "--data-binary", quote(text)], ""


def _may_hide_secrets(request: Request, masker: Masker) -> bool:
    """Whether secrets could be in bytes that can't be masked: compressed ones, or text between other bytes."""
    text = request.body.decode("latin-1")
    return header(request.headers, "content-encoding") is not None or masker.text(text) != text


def quote(text: str, latin: bool = False) -> str:
    """``text`` as one shell word, variables outside of single quotes; ``latin``: a character is a byte."""
    pieces = _PIECES.split(text)
    words = [f'"${piece}"' if position % 2 else _literal(piece, latin) for position, piece in enumerate(pieces)]
    return "".join(words) or "''"


def _literal(text: str, latin: bool) -> str:
    if not text or _PLAIN.fullmatch(text):
        return text
    if text.isprintable() and not (latin and not text.isascii()):
        return "'" + text.replace("'", "'\\''") + "'"
    return "$'" + "".join(_ansi(character, latin) for character in text) + "'"


def _ansi(character: str, latin: bool) -> str:
    if character in "'\\":
        return "\\" + character
    if character.isprintable() and (character.isascii() or not latin):
        return character
    short = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}.get(character)
    octets = character.encode("latin-1" if latin and ord(character) < 0x100 else "utf-8", "surrogatepass")
    return short or "".join(f"\\{octet:03o}" for octet in octets)
