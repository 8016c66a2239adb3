"""What a master password must be, in the words clients know."""

import string
import unicodedata

from backend.core.errors import RequestRefusedError

LEAST, MOST = 8, 128
SPECIAL = '!@#$%^&*(),.?":{}|<>'


def check(password: str, confirmation: str | None, mismatch: str) -> None:
    """Refuse (400) a new master password that is weak, or that its confirmation, if there is one, doesn't repeat."""
    if confirmation is not None and confirmation != password:
        raise RequestRefusedError(400, mismatch)
    complaint = weakness(password)
    if complaint is not None:
        raise RequestRefusedError(400, complaint)


def weakness(password: str) -> str | None:
    """The first thing that is wrong with a new master password; None if nothing is."""
    if not password:
        return "Password is required"
    if len(password) < LEAST:
        return f"Password must be at least {LEAST} characters long"
    if len(password) > MOST:
        return f"Password is too long (max {MOST} characters)"
    for characters, name in (
        (string.ascii_lowercase, "lowercase letter"),
        (string.ascii_uppercase, "uppercase letter"),
        (string.digits, "number"),
        (SPECIAL, f"special character ({SPECIAL})"),
    ):
        if not any(character in characters for character in password):
            return f"Password must contain at least one {name}"
    return None


def as_bytes(password: str) -> bytes:
    """The same bytes for the same password, however the keyboard composes its letters."""
    return unicodedata.normalize("NFC", password).encode("utf-8", "surrogatepass")
