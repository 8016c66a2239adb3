"""The vault's file: a header that may be read, entries that may not, and a checksum.

::

    WESTFALL-VAULT-1\\n | length of the header (4 bytes) | header (JSON) | sealed entries | SHA-256 of all before

The checksum tells damage from a wrong password. It is no secret, so it proves nothing against somebody who changes the
file on purpose: the seals do. The entries' seal covers the header too, the wrapped key's seal how its key is derived.
"""

import hashlib
import json
import struct
from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any

from backend.assistant.services.vault.sealing import Derivation, seal, unseal
from backend.assistant.settings.vault import MOST_LANES, MOST_MEMORY_KIB, MOST_PASSES

MAGIC = b"WESTFALL-VAULT-1\n"
LENGTH = struct.Struct(">I")
DIGEST_BYTES = 32
MOST_BYTES = 32 * 1024 * 1024
# The sealed text is filled up with spaces to a multiple of this, so that its length says little.
BLOCK = 4096

Entries = list[dict[str, Any]]


class NotWholeError(Exception):
    """The bytes are no vault, or not all of one."""


@dataclass(frozen=True)
class WrappedKey:
    """The data key of a vault, sealed with the key that the master password stands for."""

    vault_id: str
    derivation: Derivation
    sealed: bytes

    @classmethod
    def wrap(cls, vault_id: str, derivation: Derivation, password: bytes, data_key: bytes) -> "WrappedKey":
        """Seal `data_key` with `password`."""
        bound_to = _derivation_text(vault_id, derivation)
        return cls(vault_id, derivation, seal(derivation.key(password), data_key, bound_to))

    def unwrap(self, password: bytes) -> bytes:
        """The data key; raises SealBrokenError for another password."""
        bound_to = _derivation_text(self.vault_id, self.derivation)
        return unseal(self.derivation.key(password), self.sealed, bound_to)


@dataclass(frozen=True)
class SealedVault:
    """A vault as a file holds it: whole, but not opened. `raw` is the file's content."""

    key: WrappedKey
    generation: int
    written_at: str
    head: bytes
    body: bytes
    raw: bytes

    def entries(self, data_key: bytes) -> Entries:
        """The entries; raises SealBrokenError where the file was changed or `data_key` is another vault's."""
        content: Entries = json.loads(unseal(data_key, self.body, self.head))
        return content


def sealed_vault(key: WrappedKey, generation: int, written_at: str, entries: Entries, data_key: bytes) -> SealedVault:
    """Seal `entries` with `data_key`, which `key` wraps."""
    header = json.dumps(
        {
            "vault": key.vault_id,
            "argon2id": _derivation_members(key.derivation),
            "wrapped_key": b64encode(key.sealed).decode(),
            "generation": generation,
            "written_at": written_at,
        }
    ).encode()
    head = MAGIC + LENGTH.pack(len(header)) + header
    content = json.dumps(entries, separators=(",", ":")).encode()
    body = seal(data_key, content.ljust(-(-len(content) // BLOCK) * BLOCK), head)
    raw = head + body
    return SealedVault(key, generation, written_at, head, body, raw + hashlib.sha256(raw).digest())


def parse(raw: bytes) -> SealedVault:
    """The vault in `raw`; raises NotWholeError."""
    content, digest = raw[:-DIGEST_BYTES], raw[-DIGEST_BYTES:]
    if len(raw) > MOST_BYTES or not content.startswith(MAGIC) or hashlib.sha256(content).digest() != digest:
        raise NotWholeError
    begins = len(MAGIC) + LENGTH.size
    try:
        (length,) = LENGTH.unpack(content[len(MAGIC) : begins])
        header = json.loads(content[begins : begins + length])
        key = WrappedKey(
            str(header["vault"]), _derivation(header["argon2id"]), b64decode(header["wrapped_key"], validate=True)
        )
        generation, written_at = int(header["generation"]), str(header["written_at"])
    except (struct.error, ValueError, TypeError, KeyError, AttributeError):
        raise NotWholeError from None
    end = begins + length
    return SealedVault(key, generation, written_at, content[:end], content[end:], raw)


def _derivation(members: dict[str, Any]) -> Derivation:
    """Costs beyond what any setting allows are nobody's: they would only exhaust the machine."""
    memory_kib, passes, lanes = (int(members[name]) for name in ("memory_kib", "passes", "lanes"))
    if not (8 * lanes <= memory_kib <= MOST_MEMORY_KIB and 1 <= passes <= MOST_PASSES and 1 <= lanes <= MOST_LANES):
        raise ValueError("not a cost of this program's")
    return Derivation(memory_kib, passes, lanes, b64decode(members["salt"], validate=True))


def _derivation_members(derivation: Derivation) -> dict[str, Any]:
    return {
        "memory_kib": derivation.memory_kib,
        "passes": derivation.passes,
        "lanes": derivation.lanes,
        "salt": b64encode(derivation.salt).decode(),
    }


def _derivation_text(vault_id: str, derivation: Derivation) -> bytes:
    members = {"vault": vault_id, "argon2id": _derivation_members(derivation)}
    return MAGIC + json.dumps(members, sort_keys=True).encode()
