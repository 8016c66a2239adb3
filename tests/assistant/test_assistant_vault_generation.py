"""Generated passwords: what is in them, and how hard they are to guess."""

from __future__ import annotations

import math
from collections import Counter
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from backend.assistant.services.vault.generation import DIGITS, LOWER, SYMBOLS, UPPER, entropy, generate, strength

CLASSES = st.lists(st.sampled_from([LOWER, UPPER, DIGITS, SYMBOLS]), min_size=1, unique=True).map(tuple)


@given(st.integers(4, 256), CLASSES)
def test_each_chosen_class_is_in_it_and_nothing_else(length: int, classes: tuple[str, ...]) -> None:
    password = generate(length, classes)
    assert len(password) == length
    assert set(password) <= set("".join(classes))
    assert all(set(password) & set(members) for members in classes)


@pytest.mark.parametrize(("length", "classes"), [(4, ("abc", "12")), (3, ("ab", "1", "!?")), (5, ("abc",))])
def test_entropy_counts_the_passwords_that_are_possible(length: int, classes: tuple[str, ...]) -> None:
    possible = sum(
        all(set(letters) & set(members) for members in classes) for letters in product("".join(classes), repeat=length)
    )
    assert entropy(length, classes) == pytest.approx(math.log2(possible))


def test_all_of_them_come_equally_often() -> None:
    found = Counter(generate(3, ("ab", "1")) for _ in range(18_000))
    assert len(found) == 18
    # A thousand each, give or take six standard deviations.
    assert all(816 < count < 1184 for count in found.values())


def test_strength_tells_weak_from_strong() -> None:
    everything = (LOWER, UPPER, DIGITS, SYMBOLS)
    assert [strength(entropy(length, everything)) for length in (4, 8, 10, 16)] == ["weak", "fair", "good", "strong"]
    assert strength(entropy(16, (DIGITS,))) == "fair"
    assert strength(entropy(24, (LOWER, UPPER, DIGITS))) == "strong"
