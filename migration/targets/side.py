"""One side of a comparison while a run goes on: where it answers, its database, how it is made fresh again."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from abc import ABC, abstractmethod
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

from sqlalchemy.engine import make_url

from migration.compare.times import Span
from migration.targets.database import SideDatabase, normalise_url
from migration.targets.loading import TargetError
from migration.targets.process import TargetProcess

#: The word that makes the recorded answers the control.
RECORDING = "recording"

#: Applications of this project, which make and migrate a database of their own at the URL they are given.
BUNDLED_MODULES = ("legacy.", "backend", "wsgi")


class Side(ABC):
    """A side that answers requests."""

    def __init__(self, name: str, url: str, database: SideDatabase | None) -> None:
        self.name = name
        self.url = url
        self.database = database
        self.routes: list[tuple[list[str], str]] = []
        #: Epoch seconds from when to when the side was started, where it is ours to start.
        self.starting: Span | None = None

    @property
    @abstractmethod
    def resettable(self) -> bool:
        """Whether :meth:`reset` really makes it fresh."""

    @abstractmethod
    def start(self) -> None:
        """Make it answer. Raises :class:`TargetError`."""

    @abstractmethod
    def reset(self, *, just_started: bool = False) -> None:
        """Make it as it was before any request, as far as that can be done.

        ``just_started``: it was started a moment ago and was asked nothing yet.
        """

    @abstractmethod
    def close(self) -> None:
        """Give back what it holds."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()


class RemoteSide(Side):
    """A side that runs by itself, reached at a URL. ``clear`` allows emptying its database between recordings."""

    def __init__(self, url: str, database: SideDatabase | None, clear: bool) -> None:
        super().__init__(url, url, database)
        self._clear = clear and database is not None

    @property
    def resettable(self) -> bool:
        return self._clear

    def start(self) -> None:
        """Nothing to do: it runs already."""

    def reset(self, *, just_started: bool = False) -> None:
        if self._clear and self.database is not None:
            self.database.clear()

    def close(self) -> None:
        """Nothing to do: it is not ours."""


class ProcessSide(Side):
    """An import path, served in a process of its own; :meth:`reset` starts it anew.

    A bundled application that is given no database gets a fresh one, in a directory of its own.
    """

    def __init__(self, target: str, database_url: str | None, clear: bool) -> None:
        database_url = _from_here(database_url) if database_url else None
        bundled = target.startswith(BUNDLED_MODULES)
        self._directory = Path(tempfile.mkdtemp(prefix="cutover-")) if bundled else None
        self._named = database_url is not None
        if self._directory is not None and database_url is None:
            database_url = f"sqlite:///{self._directory / 'side.sqlite3'}"
        super().__init__(target, "", SideDatabase(database_url) if database_url else None)
        self._clear = clear
        self._process = TargetProcess(target, _environment(database_url), self._directory)
        self.url = self._process.url

    @property
    def resettable(self) -> bool:
        return self._clear or not self._named

    def start(self) -> None:
        began = time.time()
        self._process.start()
        self.starting = Span(began, time.time())
        self.routes = self._process.routes

    def reset(self, *, just_started: bool = False) -> None:
        if not self.resettable or (just_started and not self._named):
            return
        self._process.stop()
        if self._named and self.database is not None:
            self.database.clear()
        if self._directory is not None:
            for left in self._directory.iterdir():
                shutil.rmtree(left) if left.is_dir() else left.unlink()
        self.start()

    def close(self) -> None:
        self._process.close()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)


def _environment(database_url: str | None) -> dict[str, str]:
    """The child's environment: ours, with its own database and nobody else's; paths that stay true elsewhere."""
    environment = dict(os.environ)
    if database_url is not None:
        environment = {name: value for name, value in environment.items() if not name.endswith("DATABASE_URL")}
        environment["DATABASE_URL"] = normalise_url(database_url)
    environment.setdefault("CUTOVER_EXPOSE_OWNER", "true")
    environment.setdefault("CUTOVER_LEDGER_URL", f"sqlite:///{Path.cwd() / 'var' / 'ledger.sqlite3'}")
    return environment


def _from_here(url: str) -> str:
    """``url`` with the path of an SQLite file as it is seen from here: a side may run in another directory."""
    address = make_url(normalise_url(url))
    if address.get_backend_name() == "sqlite" and address.database not in (None, "", ":memory:"):
        address = address.set(database=str(Path(str(address.database)).absolute()))
    return address.render_as_string(hide_password=False)


def open_side(target: str, database_url: str | None, clear: bool) -> Side:
    """The side that ``target`` names: an ``http(s)`` URL or an import path.

    Raises :class:`TargetError` or :class:`~migration.targets.database.SideDatabaseError`.
    """
    if target.startswith(("http://", "https://")):
        if not urlsplit(target).hostname:
            raise TargetError(f"{target!r} has no host.")
        return RemoteSide(target.rstrip("/"), SideDatabase(database_url) if database_url else None, clear)
    if ":" not in target:
        raise TargetError(
            f"{target!r} is no target: write a URL (http://…), an import path (package.module:app) or {RECORDING!r}."
        )
    return ProcessSide(target, database_url, clear)
