"""The cryptography of the vault, all of it from kept libraries: Argon2id and AES-256-GCM."""

import secrets
from dataclasses import dataclass

from backend.assistant.services.extras import needs_extra

KEY_BYTES = 32
SALT_BYTES = 16
NONCE_BYTES = 12


@dataclass(frozen=True)
class Derivation:
    """How a master password becomes a key: Argon2id (version 1.3) with this salt and at this cost."""

    memory_kib: int
    passes: int
    lanes: int
    salt: bytes

    def key(self, password: bytes) -> bytes:
        """The key that `password` stands for; takes as long as the cost says."""
        with needs_extra("The vault"):
            from argon2.low_level import Type, hash_secret_raw
        return hash_secret_raw(
            password,
            self.salt,
            time_cost=self.passes,
            memory_cost=self.memory_kib,
            parallelism=self.lanes,
            hash_len=KEY_BYTES,
            type=Type.ID,
        )


class SealBrokenError(Exception):
    """The key is another one, or what was sealed has been changed."""


def new_key() -> bytes:
    """A random key."""
    return secrets.token_bytes(KEY_BYTES)


def seal(key: bytes, content: bytes, bound_to: bytes) -> bytes:
    """Encrypt `content` with AES-256-GCM so that it opens only together with `bound_to`; a fresh nonce comes first."""
    with needs_extra("The vault"):
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    nonce = secrets.token_bytes(NONCE_BYTES)
    return nonce + AESGCM(key).encrypt(nonce, content, bound_to)


def unseal(key: bytes, sealed: bytes, bound_to: bytes) -> bytes:
    """What `seal` encrypted; raises SealBrokenError."""
    with needs_extra("The vault"):
        from cryptography.exceptions import InvalidTag
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM
    try:
        return AESGCM(key).decrypt(sealed[:NONCE_BYTES], sealed[NONCE_BYTES:], bound_to)
    except (InvalidTag, ValueError):
        raise SealBrokenError from None


def subkey(secret: bytes, purpose: bytes) -> bytes:
    """A key for one purpose, made (HKDF-SHA-256) from a secret that is random already."""
    with needs_extra("The vault"):
        from cryptography.hazmat.primitives.hashes import SHA256
        from cryptography.hazmat.primitives.kdf.hkdf import HKDF
    return HKDF(SHA256(), KEY_BYTES, salt=None, info=purpose).derive(secret)
