"""What is in an opened vault, and what can be done with it. Nothing here reads or writes a file."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from backend.assistant.services.vault.file_format import Entries
from backend.core.errors import RequestRefusedError

MOST_ENTRIES = 10_000
# Names of an entry's parts that are shown without asking for its secret.
SHOWN = ("service", "username", "url")

Entry = dict[str, Any]


def now() -> str:
    """The time in UTC as the answers have it: ISO 8601, naive, with microseconds."""
    return datetime.now(UTC).replace(tzinfo=None).isoformat(timespec="microseconds")


def put(entries: Entries, service: str, username: str, secret: Mapping[str, str]) -> dict[str, Any]:
    """Add an entry or overwrite the one of this service and username; what `secret` doesn't name is kept.

    Raises RequestRefusedError (409) for one entry too many.
    """
    moment = now()
    for entry in entries:
        if (entry["service"], entry["username"]) == (service, username):
            entry.update(secret, updated_at=moment)
            return {**_shown(entry), "created": False}
    if len(entries) >= MOST_ENTRIES:
        raise RequestRefusedError(409, f"The vault is full: it holds {MOST_ENTRIES} entries")
    entry = {"service": service, "username": username, "password": "", "url": "", "notes": "", **secret}
    entries.append(entry | {"created_at": moment, "updated_at": moment})
    return {**_shown(entries[-1]), "created": True}


def find(entries: Entries, service: str, username: str | None) -> Entry:
    """The entry of a service; `username` may be left out where the service has one entry only.

    Raises RequestRefusedError: 404 where there is none, 409 where there are several.
    """
    found = [entry for entry in entries if entry["service"] == service and username in (None, entry["username"])]
    if not found:
        raise RequestRefusedError(404, "No such entry in the vault")
    if len(found) > 1:
        raise RequestRefusedError(409, f"The service has {len(found)} entries: say which username is meant")
    return found[0]


def change(entries: Entries, entry: Entry, changes: Mapping[str, str]) -> dict[str, Any]:
    """Overwrite parts of an entry. Raises RequestRefusedError (409) if it would become another one's double."""
    changed = {**entry, **changes}
    name = (changed["service"], changed["username"])
    if any((other["service"], other["username"]) == name for other in entries if other is not entry):
        raise RequestRefusedError(409, "The vault has an entry of that service and username already")
    entry.update(changes, updated_at=now())
    return _shown(entry)


def listing(entries: Entries, search: str | None, limit: int, offset: int) -> dict[str, Any]:
    """The entries whose service, username or URL contains `search` (case doesn't matter), without secrets."""
    wanted = (search or "").casefold()
    found = [entry for entry in entries if any(wanted in entry[name].casefold() for name in SHOWN)]
    found.sort(key=lambda entry: (entry["service"].casefold(), entry["username"].casefold(), entry["service"]))
    page = [_shown(entry) for entry in found[offset : offset + limit]]
    return {"entries": page, "count": len(page), "total": len(found), "limit": limit, "offset": offset}


def _shown(entry: Entry) -> dict[str, Any]:
    return {
        **{name: entry[name] for name in SHOWN},
        "has_notes": bool(entry["notes"]),
        "created_at": entry["created_at"],
        "updated_at": entry["updated_at"],
    }
