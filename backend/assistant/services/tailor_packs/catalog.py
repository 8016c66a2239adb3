"""Packs that can be ordered: a directory with archives and an `index.json`, which says what each order number is for.

{"orders": {"WF-1234567": "marketing.zip", "TRIAL-123456789": {"pack": "marketing.zip", "trial_days": 14}}}
"""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from backend.assistant.services.tailor_packs.refusals import PackRefusedError

INDEX = "index.json"
MOST_INDEX_BYTES = 4 * 1024 * 1024
TRIAL_DAYS = 30
NUMBER = re.compile(r"WF-\S{7,60}|TRIAL-\S{9,60}|[A-Z0-9]{8,60}")
NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*\.zip")
UNKNOWN = "Order number not found"
UNREADABLE = "The catalogue of packs can't be read: see TAILOR_PACKS_CATALOG."


@dataclass(frozen=True)
class Order:
    """What was ordered; `trial_days` is None where a licence was."""

    archive: Path
    trial_days: int | None

    def open(self) -> IO[bytes]:
        """The pack's archive; refuses with 503 where it can't be read."""
        try:
            return self.archive.open("rb")
        except OSError as error:
            raise PackRefusedError(503, UNREADABLE) from error


def find_order(catalog: Path | None, number: str) -> Order:
    """What an order number is for. Refuses: 400 malformed, 404 unknown, 503 an index that can't be read."""
    wanted = number.strip().upper()
    if not NUMBER.fullmatch(wanted):
        raise PackRefusedError(400, "Invalid order number format")
    if catalog is None:
        raise PackRefusedError(404, f"{UNKNOWN}: this server has no catalogue of packs (TAILOR_PACKS_CATALOG).")
    entry = _orders(catalog).get(wanted)
    if entry is None:
        raise PackRefusedError(404, UNKNOWN)
    return _order(catalog, entry if isinstance(entry, dict) else {"pack": entry}, wanted)


def _order(catalog: Path, entry: dict[str, Any], number: str) -> Order:
    pack, days = entry.get("pack"), entry.get("trial_days", TRIAL_DAYS if number.startswith("TRIAL-") else None)
    is_trial = isinstance(days, int) and not isinstance(days, bool) and 0 < days <= 3650
    if not isinstance(pack, str) or not NAME.fullmatch(pack) or not (days is None or is_trial):
        raise PackRefusedError(503, UNREADABLE)
    archive = catalog / pack
    if archive.is_symlink() or not archive.is_file():
        raise PackRefusedError(503, "The catalogue names a pack that it does not hold.")
    return Order(archive, days)


def _orders(catalog: Path) -> dict[str, Any]:
    try:
        with (catalog / INDEX).open("rb") as file:
            orders = json.loads(file.read(MOST_INDEX_BYTES))["orders"]
        return {str(number).strip().upper(): entry for number, entry in orders.items()}
    except (OSError, ValueError, RecursionError, LookupError, TypeError, AttributeError):
        raise PackRefusedError(503, UNREADABLE) from None
