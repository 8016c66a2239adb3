"""Waiting ends with the first answer that is wanted, or with the patience."""

from __future__ import annotations

from itertools import count

import pytest

from tests.support.waiting import eventually


def test_it_returns_the_first_answer_that_is_wanted() -> None:
    numbers = count()
    assert eventually(lambda: next(numbers)) == 1
    assert eventually(lambda: next(numbers), until=lambda number: number > 3) == 4


def test_it_gives_up_and_says_what_was_answered_last() -> None:
    numbers = count()
    with pytest.raises(AssertionError, match=r"^not within 0\.05 s; last answered: -[1-9]$"):
        eventually(lambda: -next(numbers), 0.05, until=lambda number: number > 0)
