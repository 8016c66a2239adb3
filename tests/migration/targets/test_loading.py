"""WSGI applications are loaded by import path, or refused in a sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from migration.targets.loading import TargetError, load_wsgi

SOURCE = """
def app(environ, start_response):
    return [b"app"]

def create_app(name="none", *, debug=False):
    def made(environ, start_response):
        return [f"{name} {debug}".encode()]
    return made

def broken():
    raise RuntimeError("no database")

class Box:
    inner = app

number = 7
"""


@pytest.fixture(autouse=True)
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "wsgi_sample_target.py").write_text(SOURCE)
    (tmp_path / "wsgi_sample_faulty.py").write_text("import no_such_module_anywhere")
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(tmp_path))


@pytest.mark.parametrize(
    ("expression", "answer"),
    [
        ("app", b"app"),
        ("create_app", b"none False"),
        ("create_app()", b"none False"),
        ("create_app('spot', debug=True)", b"spot True"),
    ],
)
def test_targets_that_load(expression: str, answer: bytes) -> None:
    application = load_wsgi(f"wsgi_sample_target:{expression}")
    assert list(application({}, lambda *_: None)) == [answer]


@pytest.mark.parametrize(
    ("target", "complaint"),
    [
        ("wsgi_sample_target", "is not an import path"),
        ("no_such_module_at_all:app", "there is no module no_such_module_at_all"),
        ("wsgi_sample_faulty:app", "there is no module no_such_module_anywhere"),
        ("wsgi_sample_target:nothing", "has no nothing"),
        ("wsgi_sample_target:number", "number is a int, which can't be called"),
        ("wsgi_sample_target:broken()", "calling it failed with RuntimeError: no database"),
        ("wsgi_sample_target:create_app(open('x'))", "a call with literal arguments"),
        ("wsgi_sample_target:create_app(**{'name': 'x'})", "can't be made"),
        ("wsgi_sample_target:1 +", "is not understood"),
    ],
)
def test_targets_that_don_t(target: str, complaint: str) -> None:
    with pytest.raises(TargetError) as refusal:
        load_wsgi(target)
    assert complaint in str(refusal.value)
