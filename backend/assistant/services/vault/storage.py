"""The vault's files: replaced as a whole, with the generation before kept beside the newest."""

import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from backend.assistant.services.vault.file_format import MOST_BYTES, NotWholeError, SealedVault, parse
from backend.assistant.services.vault.locking import alone
from backend.assistant.services.vault.refusals import DAMAGED, RECOVERED, DamagedError, NotSetUpError, UnwritableError
from backend.core.durable_files import sync_directory, write_new

NEWEST, PREVIOUS, DAMAGED_NAME = "passwords.vault", "passwords.vault.previous", "passwords.vault.damaged-"
UNFINISHED = ".unfinished-"


@dataclass(frozen=True)
class Loaded:
    """What a vault was loaded from; `recovered` where that is not its newest copy."""

    vault: SealedVault
    recovered: bool = False

    @property
    def warning(self) -> str | None:
        """What callers must know about the copy in use."""
        return RECOVERED.format(written_at=self.vault.written_at) if self.recovered else None


class Storage:
    """The files in one directory. Writers hold `writing()`; readers, who see one generation or the next, no lock."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    @contextmanager
    def writing(self) -> Iterator[None]:
        """Keep all other writers out, of any process, while the body reads, changes and replaces."""
        self.make_directory()
        with alone(self.directory / "lock"):
            yield

    def make_directory(self) -> None:
        """Make the directory for its owner alone; raises UnwritableError."""
        try:
            self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise UnwritableError from error

    def exists(self) -> bool:
        """Whether there is any copy of a vault, whole or not."""
        return any((self.directory / name).exists() for name in (NEWEST, PREVIOUS))

    def load(self) -> Loaded:
        """The newest whole copy; raises NotSetUpError, or DamagedError where no copy is whole."""
        newest, previous = self._read(NEWEST), None
        if newest is not None:
            with suppress(NotWholeError):
                return Loaded(parse(newest))
        previous = self._read(PREVIOUS)
        if previous is not None:
            with suppress(NotWholeError):
                return Loaded(parse(previous), recovered=True)
        if newest is None and previous is None:
            raise NotSetUpError
        raise DamagedError(DAMAGED)

    def create(self, vault: SealedVault) -> None:
        """Write the first generation."""
        self._put(NEWEST, vault.raw)

    def replace(self, loaded: Loaded, vault: SealedVault) -> None:
        """Write `vault`, which was made of `loaded`, as the newest copy and keep `loaded` as the one before.

        A damaged newest copy is set aside, not overwritten.
        """
        if loaded.recovered:
            self._set_aside()
        else:
            self._put(PREVIOUS, loaded.vault.raw)
        self._put(NEWEST, vault.raw)

    def forget_previous(self, loaded: Loaded) -> None:
        """Make the copy before the newest open with the same password as the newest: by the same content."""
        previous = self._read(PREVIOUS)
        if previous is None or loaded.recovered:
            return
        with suppress(NotWholeError):
            if parse(previous).key == loaded.vault.key:
                return
        self._put(PREVIOUS, loaded.vault.raw)

    def _read(self, name: str) -> bytes | None:
        try:
            with (self.directory / name).open("rb") as file:
                return file.read(MOST_BYTES + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise DamagedError("The vault's file can't be read; nothing was written.") from error

    def _put(self, name: str, content: bytes) -> None:
        """Replace a file so that a crash at any moment leaves the old content or the new one."""
        try:
            for left_over in self.directory.glob(f"{UNFINISHED}*"):
                left_over.unlink(missing_ok=True)
            unfinished = self.directory / f"{UNFINISHED}{secrets.token_hex(8)}"
            write_new(unfinished, [content])
            unfinished.replace(self.directory / name)
            sync_directory(self.directory)
        except OSError as error:
            raise UnwritableError from error

    def _set_aside(self) -> None:
        when = datetime.now(UTC).strftime("%Y%m%dT%H%M%S.%fZ")
        try:
            (self.directory / NEWEST).rename(self.directory / f"{DAMAGED_NAME}{when}")
        except FileNotFoundError:
            return
        except OSError as error:
            raise UnwritableError from error
