"""The small language model that tests use, and its runtime: what `make llm` installs."""

from __future__ import annotations

import os
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

import pytest

MISSING = "The language model is NOT TESTED: `make llm` installs its runtime"
NAME = "SmolLM2-135M-Instruct.Q4_1.gguf"
_CACHE = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
DIRECTORY = _CACHE / "cutover" / "llm" / "models"


def needed() -> Path:
    """The model's file. Where it or the runtime is missing the test is skipped; where all must be tested, it fails."""
    if find_spec("llama_cpp") is not None and (DIRECTORY / NAME).is_file():
        return DIRECTORY / NAME
    if os.environ.get("CI", "").lower() == "true":
        pytest.fail(MISSING)
    pytest.skip(MISSING)


def was_missed(skipped: Iterable[pytest.TestReport]) -> bool:
    """Whether tests were skipped for want of it."""
    return any(MISSING in str(report.longrepr) for report in skipped)
