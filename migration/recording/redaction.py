"""Keeping secrets out of recordings, without losing which of them are the same.

A secret is replaced by ``redacted-`` and a hash that is salted per recording: the same value gets the same pseudonym
wherever it stands, so a token that one answer gave and later requests carry can still be followed through the
recording. Secrets are, in requests and answers:

- the values of ``Authorization`` (the scheme is kept), ``Proxy-Authorization``, ``Cookie`` and ``Set-Cookie`` (names
  and attributes are kept), and of headers whose name says so;
- values of JSON fields, form fields and query parameters whose name ends in password, secret, token, API key and the
  like, in any spelling (``client_token``, ``accessToken``, ``api-key``);
- later occurrences of such a value, if it is long enough to be no accident, in any URL, header or text body.

Bodies that are not text are kept as they are.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from urllib.parse import unquote_plus

from migration.recording.exchange import Headers

_CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
_SECRET_NAME = re.compile(
    r"(?:^|[^a-z0-9])(?:token|secret|passw(?:or)?d|pwd|passphrase|credentials?|jwt|otp"
    r"|(?:api|access|private|secret|auth|master|encryption)[^a-z0-9]?key|session[^a-z0-9]?id)$|^master$"
)
_SCHEME = re.compile(r"(?P<scheme>[A-Za-z][\w-]*) +(?P<credentials>\S.*)")
_COOKIE = re.compile(r"(?P<before>(?:^|;)\s*[^=;]+=)(?P<value>[^;]*)")
_JSON_FIELD = re.compile(r'"(?P<name>(?:[^"\\]|\\.)*)"(?P<between>\s*:\s*)"(?P<value>(?:[^"\\]|\\.)*)"')
_FORM_FIELD = re.compile(r"(?P<before>(?:^|[?&;])(?P<name>[^=&;?#]+)=)(?P<value>[^&;#]*)")
_PART = re.compile(r'(?P<before>[; ]name="(?P<name>[^"]+)"[^\n]*\n(?:[^\r\n]+\r?\n)*\r?\n)(?P<value>[^\r\n]*)')
#: Shorter values may stand elsewhere by accident.
_SHORTEST_KNOWN = 8
_MOST_KNOWN = 1000

Pseudonym = Callable[[str], str]


class Redactor:
    """Replaces secrets in the parts of an exchange; shared by threads. ``salt`` is random unless given."""

    def __init__(self, salt: bytes | None = None) -> None:
        self._salt = salt or secrets.token_bytes(32)
        self._known: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def headers(self, headers: Headers) -> Headers:
        return tuple((name, self._header(name.lower(), value)) for name, value in headers)

    def url(self, url: str) -> str:
        return self._known_ones(self._fields(_FORM_FIELD, url, unquote_plus))

    def text(self, text: str, mime_type: str) -> str:
        """A body's text, by its media type."""
        if "json" in mime_type:
            text = _JSON_FIELD.sub(self._json_field, text)
        elif "x-www-form-urlencoded" in mime_type:
            text = self._fields(_FORM_FIELD, text, unquote_plus)
        elif "multipart/" in mime_type:
            text = self._fields(_PART, text, str)
        return self._known_ones(text)

    def pseudonym(self, value: str) -> str:
        """What stands for ``value`` in this recording."""
        if not value:
            return value
        made = f"redacted-{hmac.new(self._salt, value.encode('utf-8', 'replace'), hashlib.sha256).hexdigest()[:20]}"
        if len(value) >= _SHORTEST_KNOWN:
            with self._lock:
                self._known[value] = made
                self._known.move_to_end(value)
                if len(self._known) > _MOST_KNOWN:
                    self._known.popitem(last=False)
        return made

    def _header(self, name: str, value: str) -> str:
        if name in ("authorization", "proxy-authorization"):
            parts = _SCHEME.fullmatch(value)
            return f"{parts['scheme']} {self.pseudonym(parts['credentials'])}" if parts else self.pseudonym(value)
        if name == "cookie":
            return _COOKIE.sub(lambda pair: pair["before"] + self.pseudonym(pair["value"]), value)
        if name == "set-cookie":
            return _COOKIE.sub(lambda pair: pair["before"] + self.pseudonym(pair["value"]), value, count=1)
        if names_secret(name):
            return self.pseudonym(value)
        return self.url(value) if name in ("location", "referer") else self._known_ones(value)

    def _json_field(self, field: re.Match[str]) -> str:
        if not names_secret(field["name"]) or not field["value"]:
            return field[0]
        try:
            value = json.loads(f'"{field["value"]}"')
        except ValueError:
            value = field["value"]
        return f'"{field["name"]}"{field["between"]}"{self.pseudonym(value)}"'

    def _fields(self, pattern: re.Pattern[str], text: str, decode: Callable[[str], str]) -> str:
        def replace(field: re.Match[str]) -> str:
            if not names_secret(decode(field["name"])):
                return field[0]
            return field["before"] + self.pseudonym(decode(field["value"]))

        return pattern.sub(replace, text)

    def _known_ones(self, text: str) -> str:
        with self._lock:
            known = list(self._known.items())
        for value, pseudonym in known:
            if value in text:
                text = text.replace(value, pseudonym)
        return text


def names_secret(name: str) -> bool:
    """Whether a field of this name holds a secret: ``client_token`` and ``apiKey`` do, ``max_tokens`` doesn't."""
    return _SECRET_NAME.search(_CAMEL.sub("_", name).lower()) is not None
