"""The password manager's vault: one sealed file, opened by a master password. docs/vault.md explains the design."""

from backend.assistant.services.vault.vault import Vault

__all__ = ["Vault"]
