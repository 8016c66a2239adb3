"""What of a row is compared at first sight: its values, with control's identifiers as candidate would write them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from migration.compare.bindings import Bindings
from migration.compare.values import generated_values
from migration.state.layout import Layout
from migration.state.tables import TEXTS
from migration.state.values import Value

#: Puts a value as it is to be compared.
Reading = Callable[[Value], Value]


def readings(
    layout: Layout, bindings: Bindings, translate: Callable[[str], str], *, with_made_up_keys: bool = True
) -> Mapping[str, tuple[Reading, Reading]]:
    """How control's and candidate's values are read, by column; columns that aren't compared are left out.

    Left out is the column in which the database numbers rows, where no other column and no answer tells its numbers.
    Without ``with_made_up_keys`` it is left out anyway, and identifiers of generated form in key columns are not read.
    """
    found: dict[str, tuple[Reading, Reading]] = {}
    for column, described in layout.columns.items():
        scope = layout.scopes.get(column)
        if scope is not None and column == layout.numbered:
            told = layout.referred or bindings.numbers_in(scope)
            if not (told and with_made_up_keys):
                continue
        ours: Reading = _as_it_is
        theirs: Reading = _as_it_is
        if scope is not None:
            ours = partial(_number, bindings, scope)
        elif described.kind in TEXTS and len(bindings):
            ours = partial(_text, translate)
        if column in layout.key and not with_made_up_keys:
            ours, theirs = partial(_unless_made_up, ours), partial(_unless_made_up, theirs)
        found[column] = ours, theirs
    return found


def _as_it_is(value: Value) -> Value:
    return value


def _number(bindings: Bindings, scope: str, value: Value) -> Value:
    bound = bindings.number_of(scope, value) if isinstance(value, int) else None
    return value if bound is None else bound


def _text(translate: Callable[[str], str], value: Value) -> Value:
    return translate(value) if isinstance(value, str) else value


def _unless_made_up(reading: Reading, value: Value) -> Value:
    made_up = isinstance(value, str) and generated_values(value) == {value}
    return None if made_up else reading(value)
