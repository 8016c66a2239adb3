"""What unlocking leaves behind, so that every worker can open the vault and any of them can lock it.

A session is a small file that holds the data key, sealed with the token that `unlock` answered: without the token the
file is worthless, without the file the token is. It lies in memory where the system has a place for that. Its
modification time is when the session was last used. To lock is to remove the files.
"""

import hashlib
import os
import secrets
import stat
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from backend.assistant.services.vault.refusals import LockedError, UnwritableError, WrongTokenError
from backend.assistant.services.vault.sealing import SealBrokenError, seal, subkey, unseal
from backend.core.durable_files import write_new
from backend.core.errors import RequestRefusedError

TOKEN_BYTES = 32
MOST_SESSIONS = 16
SUFFIX = ".session"
SHARED = "token"
PURPOSE = b"westfall vault session"
# A clock that was set back by more than this locks the vault: nobody knows how long it was idle.
MOST_SECONDS_AHEAD = 60.0


@dataclass(frozen=True)
class Session:
    """A session's file and when it was last used, in seconds since the epoch."""

    path: Path
    used: float


class Sessions:
    """The sessions in one directory, forgotten when `idle_seconds` have passed since their last use.

    Where no token is required the newest one is kept beside its session, for callers that send none.
    """

    def __init__(self, directory: Path, idle_seconds: float, *, require_token: bool) -> None:
        self.directory = directory
        self.idle_seconds = idle_seconds
        self.require_token = require_token
        self._sweeper: threading.Timer | None = None
        self._starting = threading.Lock()

    def prepare(self) -> None:
        """Make the directory, so that nothing is begun that could not be unlocked; raises RequestRefusedError."""
        try:
            self._make_directory()
        except OSError as error:
            raise UnwritableError from error

    def open(self, data_key: bytes) -> str:
        """Start a session for `data_key`; returns its token. Beyond the limit the session idle for longest ends."""
        token = secrets.token_urlsafe(TOKEN_BYTES)
        for session in sorted(self.alive(), key=lambda session: session.used)[: -(MOST_SESSIONS - 1)]:
            session.path.unlink(missing_ok=True)
        self.prepare()
        try:
            self._put(self._path(token), seal(subkey(token.encode(), PURPOSE), data_key, PURPOSE))
            if not self.require_token:
                self._put(self.directory / SHARED, token.encode())
        except OSError as error:
            raise UnwritableError from error
        self._sweep_later()
        return token

    def data_key(self, token: str | None) -> bytes:
        """The data key of the session of `token`, which counts as used now; raises LockedError or WrongTokenError."""
        alive = self.alive()
        if not alive:
            raise LockedError
        token = token or self.shared_token()
        if token is None:
            raise WrongTokenError
        path = self._path(token)
        if path not in (session.path for session in alive):
            raise WrongTokenError
        try:
            key = unseal(subkey(token.encode("utf-8", "surrogatepass"), PURPOSE), path.read_bytes(), PURPOSE)
            os.utime(path, (time.time(),) * 2)
        except (FileNotFoundError, SealBrokenError):
            raise LockedError from None
        self._sweep_later()
        return key

    def alive(self) -> list[Session]:
        """The sessions that may be used. Those that were idle for too long are removed."""
        now, alive = time.time(), []
        for session in self._all():
            if -MOST_SECONDS_AHEAD <= now - session.used < self.idle_seconds:
                alive.append(session)
            else:
                session.path.unlink(missing_ok=True)
        if not alive:
            (self.directory / SHARED).unlink(missing_ok=True)
        return alive

    def seconds_left(self) -> float | None:
        """Until the vault locks itself if nobody uses it; None where it is locked."""
        used = [session.used for session in self.alive()]
        return min(max(used) + self.idle_seconds - time.time(), self.idle_seconds) if used else None

    def close(self, but_of: str | None = None) -> None:
        """End all sessions, but that of the token `but_of`."""
        spared = self._path(but_of) if but_of else None
        if but_of is None or but_of != self.shared_token():
            (self.directory / SHARED).unlink(missing_ok=True)
        for session in self._all():
            if session.path != spared:
                session.path.unlink(missing_ok=True)

    def _all(self) -> list[Session]:
        found = []
        with suppress(FileNotFoundError):
            self._check_directory()
            for path in self.directory.glob(f"*{SUFFIX}"):
                with suppress(FileNotFoundError):
                    found.append(Session(path, path.stat().st_mtime))
        return found

    def _path(self, token: str) -> Path:
        name = hashlib.sha256(PURPOSE + token.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        return self.directory / f"{name}{SUFFIX}"

    def shared_token(self) -> str | None:
        """The token for callers that send none, where they may."""
        if self.require_token:
            return None
        with suppress(FileNotFoundError):
            return (self.directory / SHARED).read_text()
        return None

    def _put(self, path: Path, content: bytes) -> None:
        unfinished = self.directory / secrets.token_hex(16)
        write_new(unfinished, [content])
        os.utime(unfinished, (time.time(),) * 2)
        unfinished.replace(path)

    def _make_directory(self) -> None:
        with suppress(FileExistsError):
            self.directory.mkdir(mode=0o700, parents=True)
        self._check_directory()

    def _check_directory(self) -> None:
        """Places in memory are shared by all users: whatever another one put there is not used."""
        found = self.directory.lstat()
        if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077:
            raise RequestRefusedError(
                503,
                "The directory of the vault's sessions is not this server's alone: remove it and unlock again",
            )

    def _sweep_later(self) -> None:
        """See to it that this process forgets idle sessions even if nobody asks for the vault again."""
        with self._starting:
            if self._sweeper is None or not self._sweeper.is_alive():
                self._sweeper = threading.Timer((self.seconds_left() or 0.0) + 0.1, self._sweep)
                self._sweeper.daemon = True
                self._sweeper.start()

    def _sweep(self) -> None:
        with suppress(OSError, RequestRefusedError):
            if self.alive():
                with self._starting:
                    self._sweeper = None
                self._sweep_later()
