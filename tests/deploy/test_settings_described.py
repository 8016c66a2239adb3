"""The README's table of settings and what the code reads are the same."""

from __future__ import annotations

import re

from migration.config_file import DEFAULTS
from tests.support.cli import ROOT

TABLE = (ROOT / "README.md").read_text().partition("\n## Settings")[2].partition("\n## ")[0]
READ_BY_BACKEND = re.compile(r'\bread\(\s*"([A-Z_]+)"')


def test_every_setting_of_the_native_side_is_in_the_table() -> None:
    read = {name for path in (ROOT / "backend").rglob("*.py") for name in READ_BY_BACKEND.findall(path.read_text())}
    assert len(read) > 20
    assert sorted(name for name in read if f"`{name}`" not in TABLE) == []


def test_every_setting_of_the_tool_is_in_the_table() -> None:
    assert len(DEFAULTS) > 10
    assert sorted(name for name in DEFAULTS if f"`{name}`" not in TABLE) == []


def test_the_table_names_no_setting_that_nobody_reads() -> None:
    sources = [*(ROOT / "backend").rglob("*.py"), *(ROOT / "migration").rglob("*.py"), *(ROOT / "legacy").rglob("*.py")]
    code = "".join(path.read_text() for path in (*sources, ROOT / "wsgi.py", ROOT / "deploy" / "gunicorn.conf.py"))
    first_cells = "".join(line.split("|")[1] for line in TABLE.splitlines() if line.startswith("| `"))
    named = set(re.findall(r"`([A-Z_]{4,})`", first_cells))
    assert len(named) > 30
    assert (
        sorted(name for name in named if name not in code and name.removeprefix("CUTOVER_").lower() not in code) == []
    )
