"""Setting up, unlocking and locking the vault, and the way to its entries."""

import secrets
from collections.abc import Callable
from typing import Any, TypeVar

from backend.assistant.services.vault import master_password
from backend.assistant.services.vault.attempts import Attempts
from backend.assistant.services.vault.entries import now
from backend.assistant.services.vault.file_format import MOST_BYTES, Entries, SealedVault, WrappedKey, sealed_vault
from backend.assistant.services.vault.refusals import TAMPERED, DamagedError, NotSetUpError, WrongPasswordError
from backend.assistant.services.vault.sealing import SALT_BYTES, Derivation, SealBrokenError, new_key
from backend.assistant.services.vault.sessions import Sessions
from backend.assistant.services.vault.storage import Loaded, Storage
from backend.assistant.settings.vault import VaultSettings
from backend.core.errors import RequestRefusedError

T = TypeVar("T")


class Vault:
    """The vault as all processes of this server share it: everything it knows is in its files."""

    def __init__(self, settings: VaultSettings) -> None:
        self.settings = settings
        self.storage = Storage(settings.directory)
        self.sessions = Sessions(settings.sessions, settings.idle_seconds, require_token=settings.require_token)
        self.attempts = Attempts(settings.directory)

    def status(self) -> dict[str, Any]:
        """Whether the vault is set up and unlocked; asking doesn't keep it unlocked."""
        seconds_left = self.sessions.seconds_left()
        answer: dict[str, Any] = {
            "set_up": self.storage.exists(),
            "unlocked": seconds_left is not None,
            "idle_timeout_seconds": self.settings.idle_seconds,
            "locks_in_seconds": None if seconds_left is None else round(seconds_left, 3),
            "token_required": self.settings.require_token,
        }
        if answer["set_up"]:
            try:
                loaded = self.storage.load()
            except (DamagedError, NotSetUpError) as error:
                return answer | {"warning": error.error}
            derivation = loaded.vault.key.derivation
            answer["kdf"] = {
                "name": "argon2id",
                "memory_kib": derivation.memory_kib,
                "passes": derivation.passes,
                "lanes": derivation.lanes,
            }
            answer |= _warning(loaded)
        return answer

    def setup(self, password: str, confirm_password: str | None) -> dict[str, Any]:
        """Make an empty vault and unlock it; refuses (400) a weak master password, and (409) to do it twice."""
        master_password.check(password, confirm_password, "Passwords do not match")
        self.sessions.prepare()
        with self.storage.writing():
            if self.storage.exists():
                raise RequestRefusedError(409, "Master password already set")
            data_key = new_key()
            key = self._wrap(secrets.token_hex(16), password, data_key)
            self.storage.create(sealed_vault(key, 1, now(), [], data_key))
        return self._unlocked(data_key)

    def unlock(self, password: str) -> dict[str, Any]:
        """Open the vault for whoever has the token that is answered."""
        loaded, data_key = self._opened_with(password)
        _entries(loaded.vault, data_key)
        with self.storage.writing():
            # Whoever died while changing the password may have left a copy that opens with the old one.
            self.storage.forget_previous(self.storage.load())
        return self._unlocked(data_key) | _warning(loaded)

    def lock(self) -> dict[str, Any]:
        """Lock the vault for everybody. Anybody may: it harms nobody."""
        self.sessions.close()
        return {"unlocked": False}

    def change_master(
        self, token: str | None, old_password: str, new_password: str, confirm_password: str | None
    ) -> dict[str, Any]:
        """Let another master password open the vault. Its entries stay as they are; all other sessions end."""
        self.sessions.data_key(token)
        master_password.check(new_password, confirm_password, "New passwords do not match")
        with self.storage.writing():
            loaded, data_key = self._opened_with(old_password)
            key = self._wrap(loaded.vault.key.vault_id, new_password, data_key)
            vault = _next(loaded.vault, key, _entries(loaded.vault, data_key), data_key)
            self.storage.replace(loaded, vault)
            self.storage.forget_previous(Loaded(vault))
        self.sessions.close(but_of=token or self.sessions.shared_token())
        return {"changed": True}

    def read(self, token: str | None, work: Callable[[Entries], dict[str, Any]]) -> dict[str, Any]:
        """What `work` answers about the entries."""
        data_key = self.sessions.data_key(token)
        loaded = self.storage.load()
        return work(_entries(loaded.vault, data_key)) | _warning(loaded)

    def change(self, token: str | None, work: Callable[[Entries], dict[str, Any]]) -> dict[str, Any]:
        """What `work` answers, after the changes that it made to the entries have been written.

        Writers take turns, so none of them loses what another one wrote.
        """
        data_key = self.sessions.data_key(token)
        with self.storage.writing():
            loaded = self.storage.load()
            entries = _entries(loaded.vault, data_key)
            answer = work(entries)
            self.storage.replace(loaded, _next(loaded.vault, loaded.vault.key, entries, data_key))
        return answer | _warning(loaded)

    def _opened_with(self, password: str) -> tuple[Loaded, bytes]:
        loaded = self.storage.load()
        with self.attempts.one():
            try:
                return loaded, loaded.vault.key.unwrap(master_password.as_bytes(password))
            except SealBrokenError:
                raise WrongPasswordError from None

    def _wrap(self, vault_id: str, password: str, data_key: bytes) -> WrappedKey:
        salt = secrets.token_bytes(SALT_BYTES)
        derivation = Derivation(self.settings.memory_kib, self.settings.passes, self.settings.lanes, salt)
        return WrappedKey.wrap(vault_id, derivation, master_password.as_bytes(password), data_key)

    def _unlocked(self, data_key: bytes) -> dict[str, Any]:
        token = self.sessions.open(data_key)
        return {"unlocked": True, "token": token, "idle_timeout_seconds": self.settings.idle_seconds}


def _entries(vault: SealedVault, data_key: bytes) -> Entries:
    try:
        return vault.entries(data_key)
    except SealBrokenError:
        raise DamagedError(TAMPERED) from None


def _next(vault: SealedVault, key: WrappedKey, entries: Entries, data_key: bytes) -> SealedVault:
    made = sealed_vault(key, vault.generation + 1, now(), entries, data_key)
    if len(made.raw) > MOST_BYTES:
        raise RequestRefusedError(413, "The vault is full: shorten or delete entries")
    return made


def _warning(loaded: Loaded) -> dict[str, Any]:
    return {} if loaded.warning is None else {"warning": loaded.warning}
