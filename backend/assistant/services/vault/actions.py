"""What callers do with entries: one function for each action of the tool. Only `retrieve` answers a secret."""

from typing import Any

from backend.assistant.services.vault import entries
from backend.assistant.services.vault.file_format import Entries
from backend.assistant.services.vault.generation import described
from backend.assistant.services.vault.vault import Vault


def store(
    vault: Vault,
    token: str | None,
    service: str,
    username: str,
    password: str | None,
    generate: bool,
    options: dict[str, Any],
    **more: str,
) -> dict[str, Any]:
    """Keep a password, given or generated, under a service and a username; what was kept there is overwritten."""
    told, secret = _secret(password, generate, options)
    return vault.change(token, lambda kept: entries.put(kept, service, username, secret | more)) | told


def retrieve(vault: Vault, token: str | None, service: str, username: str | None) -> dict[str, Any]:
    """An entry with its password and notes."""
    return vault.read(token, lambda kept: dict(entries.find(kept, service, username)))


def listing(vault: Vault, token: str | None, search: str | None, limit: int, offset: int) -> dict[str, Any]:
    """A page of the entries that contain a text, without their secrets."""
    return vault.read(token, lambda kept: entries.listing(kept, search, limit, offset))


def update(
    vault: Vault,
    token: str | None,
    service: str,
    username: str | None,
    new_service: str | None,
    new_username: str | None,
    password: str | None,
    generate: bool,
    options: dict[str, Any],
    **more: str,
) -> dict[str, Any]:
    """Change parts of an entry, its name included."""
    told, changes = _secret(password, generate, options)
    if new_service is not None:
        changes["service"] = new_service
    if new_username is not None:
        changes["username"] = new_username

    def work(kept: Entries) -> dict[str, Any]:
        return entries.change(kept, entries.find(kept, service, username), changes | more)

    return vault.change(token, work) | told


def delete(vault: Vault, token: str | None, service: str, username: str | None) -> dict[str, Any]:
    """Remove an entry. The copy of the vault before this change still holds it, sealed, until the next change."""

    def work(kept: Entries) -> dict[str, Any]:
        entry = entries.find(kept, service, username)
        kept.remove(entry)
        return {"deleted": True, "service": entry["service"], "username": entry["username"]}

    return vault.change(token, work)


def _secret(password: str | None, generate: bool, options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """What callers are told of a new password, and what is kept."""
    if generate:
        made = described(**options)
        return {"generated": True, "strength": made["strength"]}, {"password": made["password"]}
    return {"generated": False}, {} if password is None else {"password": password}
