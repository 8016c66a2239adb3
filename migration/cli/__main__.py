"""``python -m migration.cli``: the same as ``cutover``."""

from migration.cli import main

main(prog_name="cutover")
