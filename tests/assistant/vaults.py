"""A vault in a directory of its own that costs little to open, and what tests look for in its files."""

from __future__ import annotations

import base64
import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from backend.assistant.services.vault import Vault, entries
from backend.assistant.settings.vault import LEAST_LANES, LEAST_MEMORY_KIB, LEAST_PASSES, VaultSettings
from backend.core.errors import RequestRefusedError
from backend.core.settings import Reader

MASTER = "Correct-Horse-1!"
OTHER_MASTER = "Battery-Staple-2!"
#: The cheapest that the settings allow.
CHEAP = {
    "VAULT_ARGON2_MEMORY_KIB": str(LEAST_MEMORY_KIB),
    "VAULT_ARGON2_PASSES": str(LEAST_PASSES),
    "VAULT_ARGON2_LANES": str(LEAST_LANES),
}


def vault_in(directory: Path, **settings: Any) -> Vault:
    """The vault of `directory`, as one more worker would see it."""
    cheap = {"memory_kib": LEAST_MEMORY_KIB, "passes": LEAST_PASSES, "lanes": LEAST_LANES}
    return Vault(VaultSettings(directory / "vault", directory / "sessions", **(cheap | settings)))


def put(vault: Vault, token: str, service: str, username: str = "ann", password: str = "pw", **more: str) -> None:
    vault.change(token, lambda found: entries.put(found, service, username, {"password": password, **more}))


def listed(vault: Vault, token: str) -> list[str]:
    """The services in the vault, sorted."""
    answer = vault.read(token, lambda found: entries.listing(found, None, 10_000, 0))
    return sorted(entry["service"] for entry in answer["entries"])


def refusal_of(call: Callable[[], Any]) -> tuple[int, str]:
    """The status and the text with which `call` is refused."""
    try:
        call()
    except RequestRefusedError as refusal:
        return refusal.status_code, str(refusal)
    raise AssertionError("it was not refused")


def disguises(text: str) -> Iterator[bytes]:
    """The forms in which a text might stand readable in a file: plain, as UTF-16, hexadecimal, in any base64."""
    plain = text.encode()
    yield from (plain, text.encode("utf-16-le"), text.encode("utf-16-be"), plain.hex().encode(), plain[::-1])
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + plain)
        # The first and last characters also encode what stands beside the text.
        yield encoded[4 if shift else 0 : -4]


def fork(work: Callable[[int], None]) -> tuple[int, int]:
    """Run `work` in a child, which gets the writing end of a pipe; returns the child's id and the reading end."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            os.close(reading)
            work(writing)
        finally:
            os._exit(0)
    os.close(writing)
    return child, reading


def kill_after(child: int, reading: int, seconds: float) -> bytes:
    """Kill the child with SIGKILL when it has said something and `seconds` have passed; returns all it said."""
    said = os.read(reading, 1)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    with os.fdopen(reading, "rb") as rest:
        return said + rest.read()


def wrong_many_times(directory: Path) -> None:
    """As if the wrong master passwords counted in `directory` had been eleven, the last one just now."""
    counted = json.loads((directory / "attempts").read_text())
    (directory / "attempts").write_text(json.dumps(counted | {"failures": 11}))


def sessions_of(directory: Path) -> Path:
    """Where servers whose data lies in `directory` keep the vault's sessions."""
    return VaultSettings.read(Reader("assistant", {"DATA_DIR": str(directory)})).sessions
