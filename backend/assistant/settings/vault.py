"""How the vault guards its key, and for how long it stays unlocked."""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

from backend.assistant.settings import DataSettings
from backend.core.settings import Reader, SettingsError, flag, number_of_seconds, whole_number

MEMORY_FILES = Path("/dev/shm")  # noqa: S108 - the directories made in it are checked before they are used
# Below this, guessing master passwords becomes cheap (OWASP's least for Argon2id).
LEAST_MEMORY_KIB, LEAST_PASSES, LEAST_LANES = 19 * 1024, 2, 1
MOST_MEMORY_KIB, MOST_PASSES, MOST_LANES = 1024 * 1024, 64, 64


@dataclass(frozen=True)
class VaultSettings:
    """Where the vault's files are, what Argon2id may cost, and when the vault locks itself.

    `sessions` holds what unlocking leaves behind: a directory in memory where the system has one. The defaults of
    `memory_kib`, `passes` and `lanes` are the second choice that RFC 9106 recommends.
    """

    directory: Path
    sessions: Path
    memory_kib: int = 64 * 1024
    passes: int = 3
    lanes: int = 4
    idle_seconds: float = 1800.0
    require_token: bool = True

    @classmethod
    def read(cls, read: Reader) -> "VaultSettings":
        """Read `DATA_DIR` and `VAULT_*`; raises SettingsError naming the first that is not allowed."""
        directory = DataSettings.read(read).directory / "vault"
        in_memory = _in_memory(directory)
        require_token = read("VAULT_REQUIRE_TOKEN", flag, "true")
        if not require_token and in_memory is None:
            raise SettingsError("VAULT_REQUIRE_TOKEN can only be off where /dev/shm holds files in memory.")
        return cls(
            directory=directory,
            sessions=in_memory or directory / "sessions",
            memory_kib=read("VAULT_ARGON2_MEMORY_KIB", whole_number(LEAST_MEMORY_KIB, MOST_MEMORY_KIB), "65536"),
            passes=read("VAULT_ARGON2_PASSES", whole_number(LEAST_PASSES, MOST_PASSES), "3"),
            lanes=read("VAULT_ARGON2_LANES", whole_number(LEAST_LANES, MOST_LANES), "4"),
            idle_seconds=read("VAULT_IDLE_SECONDS", number_of_seconds(1, 86400), "1800"),
            require_token=require_token,
        )


def _in_memory(directory: Path) -> Path | None:
    """The directory in memory that belongs to this vault and this user, whether it exists yet or not."""
    if not MEMORY_FILES.is_dir() or not os.access(MEMORY_FILES, os.W_OK | os.X_OK):
        return None
    which = hashlib.sha256(os.fsencode(directory)).hexdigest()[:16]
    return MEMORY_FILES / f"westfall-vault-{os.geteuid()}-{which}"
