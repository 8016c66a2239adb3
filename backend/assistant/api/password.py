"""`POST /api/tools/password`: the password manager. Only `generate` and `retrieve` answer a password."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Flask, current_app, jsonify
from flask.typing import ResponseReturnValue

from backend.assistant.api.tool_actions import Action, tool_blueprint
from backend.assistant.schemas import password as schemas
from backend.assistant.services.vault import Vault, actions, generation
from backend.assistant.settings.vault import VaultSettings
from backend.core.errors import InvalidRequestError
from backend.core.settings import Settings

EXTENSION = "vault"


def install_vault(app: Flask) -> None:
    """Give `app` its vault. Nothing is read or written yet; raises SettingsError."""
    settings: Settings = app.extensions["settings"]
    app.extensions[EXTENSION] = Vault(VaultSettings.read(settings.read))


def _with_vault(run: Callable[..., Any]) -> Callable[..., Any]:
    """A run that needs the vault and no database."""
    return lambda _session, **parameters: run(current_app.extensions[EXTENSION], **parameters)


ACTIONS = {
    "generate": Action(schemas.Chosen(), lambda _session, **options: generation.described(**options)),
    "store": Action(schemas.Stored(), _with_vault(actions.store)),
    "retrieve": Action(schemas.Named(), _with_vault(actions.retrieve)),
    "list": Action(schemas.Wanted(), _with_vault(actions.listing)),
    "update": Action(schemas.Changed(), _with_vault(actions.update)),
    "delete": Action(schemas.Named(), _with_vault(actions.delete)),
    "setup": Action(schemas.NewMasterPassword(), _with_vault(Vault.setup)),
    "unlock": Action(schemas.MasterPassword(), _with_vault(Vault.unlock)),
    "lock": Action(schemas.Empty(), _with_vault(Vault.lock)),
    "status": Action(schemas.Empty(), _with_vault(Vault.status)),
    "change_master": Action(schemas.MasterChange(), _with_vault(Vault.change_master)),
}

password = tool_blueprint("password", "Password", ACTIONS)


@password.errorhandler(InvalidRequestError)
def _without_what_was_sent(error: InvalidRequestError) -> ResponseReturnValue:
    """What is wrong, without the input: around whatever was wrong with it, it may hold passwords."""
    items = InvalidRequestError([replace(complaint, input=None) for complaint in error.complaints]).items
    return jsonify(detail=items), error.status_code
