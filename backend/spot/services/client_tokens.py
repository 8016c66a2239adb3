"""The tokens that let a client's agents in, in clear and as hashes.

The column `client_token` decides while it holds a token in clear: the old side looks there, makes clients and renews
tokens without telling, and a hash that does not fit is a hash of yesterday. Once the token in clear has been forgotten
the hash decides.
"""

import re
import secrets
import string
from collections.abc import Callable
from hashlib import sha256
from hmac import compare_digest
from typing import Any

from flask import current_app
from sqlalchemy import bindparam
from sqlalchemy.sql import Select

from backend.core.collation import fold
from backend.core.prepared import Prepared
from backend.core.session import Session
from backend.core.strict_types import Operand
from backend.spot.models import Client

ALPHABET = string.ascii_letters + string.digits
FORGOTTEN_PREFIX = "hashed:"
FORGOTTEN = re.compile(FORGOTTEN_PREFIX + r"[0-9a-f]{32}")
#: Whether it looks for tokens that are kept as hashes only, the query, and what it looks for.
Way = tuple[bool, Prepared, str]


class TokenQuery:
    """A query for clients, made to find the one that has a token. Build it once: it is asked with every request.

    Which of the two columns finds the token is the same for almost all clients, so the one that found the last token is
    asked first. One question is enough then.
    """

    def __init__(self, query: Select[*tuple[Any, ...]]) -> None:
        candidates = query.add_columns(Client.client_token, Client.client_token_hash)
        self.in_clear = Prepared(candidates.where(Client.client_token == bindparam("token", type_=Operand())))
        self.by_hash = Prepared(candidates.where(Client.client_token_hash == bindparam("token", type_=Operand())))
        self.forgotten_before = False

    def first(self, session: Session, token: str, **parameters: Any) -> Any:
        """The row of the client whose token is `token`, or None; `parameters` are those of the query."""
        hashed = token_hash(token)
        for forgotten, query, wanted in self._ways(token, hashed):
            rows = session.execute(query, {"token": wanted, **parameters})
            if (row := self._fitting(rows, hashed, forgotten)) is not None:
                return row
        return None

    def ahead(self, session: Session, token: str, **parameters: Any) -> Callable[[], Any]:
        """Ask for the same row; what is returned answers it, later in the same transaction."""
        hashed = token_hash(token)
        forgotten, query, wanted = self._ways(token, hashed)[0]
        asked = session.ask_ahead(query, {"token": wanted, **parameters})

        def answer() -> Any:
            row = self._fitting(asked(), hashed, forgotten)
            return self.first(session, token, **parameters) if row is None else row

        return answer

    def _ways(self, token: str, hashed: str) -> list[Way]:
        """How to ask, the more promising way first."""
        ways = [(False, self.in_clear, token)]
        if hashes_are_kept():
            ways.insert(0 if self.forgotten_before else 1, (True, self.by_hash, hashed))
        return ways

    def _fitting(self, rows: Any, hashed: str, forgotten: bool) -> Any:
        """The one of the rows that has the token, if any."""
        for row in rows:
            if _is_of(row, hashed):
                self.forgotten_before = forgotten
                return row
        return None


def new_token() -> str:
    """A token that nobody guesses."""
    return "token-" + "".join(secrets.choice(ALPHABET) for _ in range(32))


def token_hash(token: str) -> str:
    """SHA-256 of a token, the same for all spellings that count as equal."""
    return sha256(fold(token).encode()).hexdigest()


def columns_for(token: str) -> dict[str, str | None]:
    """What the columns of a client hold for its `token`."""
    return {"client_token": token, "client_token_hash": token_hash(token) if hashes_are_kept() else None}


def forgotten_token() -> str:
    """What stands where the token in clear was: nobody can know it, and it lets nobody in."""
    return f"{FORGOTTEN_PREFIX}{secrets.token_hex(16)}"


def is_forgotten(client_token: str) -> bool:
    """Whether only the hash of a client's token is left."""
    return FORGOTTEN.fullmatch(client_token) is not None


def hashes_are_kept() -> bool:
    """Whether TOKEN_HASHES is on."""
    return bool(current_app.extensions["settings"].token_hashes)


def _is_of(client: Any, hashed: str) -> bool:
    if is_forgotten(client.client_token):
        return hashes_are_kept() and compare_digest(client.client_token_hash or "", hashed)
    return compare_digest(token_hash(client.client_token), hashed)
