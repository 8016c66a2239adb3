"""Installing packs: new ones, higher versions of old ones, and licences for those that are there."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import IO, Any

from sqlalchemy import insert, update

from backend.assistant.services.records import Row
from backend.assistant.services.tailor_packs.archives import Contents, Limits, looked_through
from backend.assistant.services.tailor_packs.installed import TABLE, all_packs, is_active, may_be_used, missing, shown
from backend.assistant.services.tailor_packs.manifest import Manifest, version_order
from backend.assistant.services.tailor_packs.refusals import PackRefusedError
from backend.assistant.services.tailor_packs.store import Store
from backend.core.session import Session

#: Runs its argument in one transaction.
InTransaction = Callable[[Callable[[], Any]], Any]
IMPORTED, LICENSED = "Pack imported successfully", "Pack licensed successfully"


@dataclass(frozen=True)
class Rights:
    """What comes with an order: a licence, or a trial of so many days, or neither."""

    licensed: bool = False
    trial_days: int | None = None

    def columns(self, row: Row | None, at: datetime) -> dict[str, Any]:
        """A pack's licence with these rights added to those it has. A trial begins once."""
        known = row or {"licensed": False, "trial_ends_at": None}
        ends = known["trial_ends_at"]
        if ends is None and self.trial_days is not None:
            ends = _second(at) + timedelta(days=self.trial_days)
        return {"licensed": bool(known["licensed"]) or self.licensed, "trial_ends_at": ends}


@dataclass(frozen=True)
class Importer:
    """Installs packs into a store, at one moment (UTC, naive)."""

    store: Store
    limits: Limits
    session: Session
    at: datetime
    in_transaction: InTransaction

    def install(self, file: IO[bytes], rights: Rights) -> dict[str, Any]:
        """Install the pack in an archive. Raises PackRefusedError, with nothing changed."""
        with looked_through(file, self.limits) as contents, self.store.alone():
            recover(self.store, self.session)
            row = all_packs(self.session).get(contents.manifest.pack_id)
            # Nobody need wait for the database while files are written: packs are ours alone now.
            self.session.rollback()
            if row is not None and self._adds_rights(row, contents.manifest, rights):
                return self._answer(self.in_transaction(lambda: self._license(row, rights)), LICENSED)
            _refuse_unless_higher(row, contents.manifest)
            return self._answer(self._replace(row, contents, rights), IMPORTED)

    def _replace(self, row: Row | None, contents: Contents, rights: Rights) -> Row:
        directory = self.store.unpack(contents)
        try:
            written: Row = self.in_transaction(lambda: self._enter(row, contents, rights, directory))
        except BaseException:
            self.store.discard(directory)
            raise
        self.store.settle(directory)
        if row is not None:
            self.store.discard(row["directory"])
        return written

    def _enter(self, row: Row | None, contents: Contents, rights: Rights, directory: str) -> Row:
        """Write the pack's row. A new pack is switched on where it may be; another version stays as the old one was."""
        values = contents.manifest.columns | rights.columns(row, self.at)
        values |= {"directory": directory, "size": contents.size, "updated_at": _second(self.at)}
        packs = all_packs(self.session)
        wanted = row is None or bool(packs[row["pack_id"]]["active"])
        usable = may_be_used(values, self.at) and not missing(values, packs, self.at)
        values["active"] = wanted and usable
        if row is None:
            values["installed_at"] = _second(self.at)
            self.session.execute(insert(TABLE).values(values))
        else:
            self.session.execute(update(TABLE).where(TABLE.c.id == row["id"]).values(values))
        return values

    def _adds_rights(self, row: Row, manifest: Manifest, rights: Rights) -> bool:
        now = {name: row[name] for name in ("licensed", "trial_ends_at")}
        return manifest.version == row["version"] and rights.columns(row, self.at) != now

    def _license(self, row: Row, rights: Rights) -> Row:
        packs = all_packs(self.session)
        licensed = packs[row["pack_id"]] | rights.columns(row, self.at)
        licensed["active"] = is_active(licensed, self.at) or not missing(licensed, packs, self.at)
        changed = {name: licensed[name] for name in ("licensed", "trial_ends_at", "active")}
        self.session.execute(update(TABLE).where(TABLE.c.id == row["id"]).values(changed))
        return licensed

    def _answer(self, row: Row, message: str) -> dict[str, Any]:
        return {"success": True, "pack": shown(row, self.at), "message": message}


def recover(store: Store, session: Session) -> None:
    """See once to what a crash of an earlier process may have left; the caller has the store alone."""
    if not store.is_recovered:
        store.recover([(row["pack_id"], row["directory"]) for row in all_packs(session).values()])


def _refuse_unless_higher(row: Row | None, manifest: Manifest) -> None:
    if row is not None and version_order(manifest.version) <= version_order(row["version"]):
        text = f"{manifest.pack_id} is installed in version {row['version']}: only a higher version replaces it."
        raise PackRefusedError(409, text)


def _second(at: datetime) -> datetime:
    return at.replace(microsecond=0)
