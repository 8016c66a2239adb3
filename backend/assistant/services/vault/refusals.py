"""Why the vault refuses. No text holds anything that a caller sent."""

from backend.core.errors import RequestRefusedError

TAMPERED = (
    "The vault's file has been changed by something else than the vault; nothing was read from it and nothing was "
    "written. Restore it from a backup: docs/vault.md says how."
)
DAMAGED = (
    "The vault's file is damaged, and there is no whole copy of it; nothing was written. "
    "Restore it from a backup: docs/vault.md says how."
)
RECOVERED = (
    "The newest copy of the vault was missing or damaged. The copy before it is in use, written at {written_at}: "
    "the last change may be missing. The next change sets the damaged file aside and does not overwrite it."
)


class NotSetUpError(RequestRefusedError):
    """There is no vault yet."""

    def __init__(self) -> None:
        super().__init__(423, "The vault is not set up: call setup with a master password first")


class LockedError(RequestRefusedError):
    """Nobody has unlocked the vault, or too long ago."""

    def __init__(self) -> None:
        super().__init__(423, "The vault is locked: call unlock with the master password first")


class WrongTokenError(RequestRefusedError):
    """The vault is unlocked, but not for this caller."""

    def __init__(self) -> None:
        super().__init__(401, "Send the token that unlock answered as parameters.token; this call has no valid one")


class WrongPasswordError(RequestRefusedError):
    """The master password doesn't open the vault."""

    def __init__(self) -> None:
        super().__init__(401, "Invalid password")


class TooManyAttemptsError(RequestRefusedError):
    """Master passwords are tried too fast."""

    def __init__(self, seconds: int) -> None:
        super().__init__(429, f"Too many wrong master passwords: try again in {seconds} seconds")
        self.headers = {"Retry-After": str(seconds)}


class DamagedError(RequestRefusedError):
    """No copy of the vault is whole, or somebody changed it."""

    def __init__(self, text: str) -> None:
        super().__init__(503, text)


class BusyError(RequestRefusedError):
    """Somebody else has held the vault for too long."""

    def __init__(self) -> None:
        super().__init__(503, "The vault is busy: try again")
        self.headers = {"Retry-After": "1"}


class UnwritableError(RequestRefusedError):
    """The files of the vault can't be written."""

    def __init__(self) -> None:
        super().__init__(503, "The vault's files could not be written: the vault is as it was before")
