"""``python -m backend.assistant.commands``: the same as ``cutover models``."""

from backend.assistant.commands.models import models

models(prog_name="cutover models")
