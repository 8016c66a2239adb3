"""Bindings: control's generated value and candidate's value for the same thing, one to one.

The first pair seen at one place is bound; from then on control's value means candidate's and nothing else does.
Requests are rewritten through the bindings; two answers are equal if they are equal up to them.

Where records of a list look the same, which one is which is a guess. A guess stands until something tells better, and
is as good as knowledge once a request was made of it: both sides acted on it.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Iterable, Iterator, Set
from contextlib import contextmanager
from urllib.parse import quote

from migration.compare.values import generated_values

#: Runs of the characters that identifiers are made of; what holds others is replaced as plain text.
RUN = re.compile(r"[A-Za-z0-9_-]+")

#: What is remembered of words that both sides say.
_LONGEST_WORD = 64
_MOST_WORDS = 200_000


class Match(enum.Enum):
    BOUND = "bound"
    NEW = "new"
    CONFLICT = "conflict"


class Bindings:
    """A one-to-one map between the values of two sides. Whole numbers are bound inside a scope (``order#17``).

    ``given`` are words that callers know from elsewhere, which mean the same on every side; it may grow.
    """

    def __init__(self, given: Set[str] = frozenset()) -> None:
        self._given = given
        self._forward: dict[str, str] = {}
        self._backward: dict[str, str] = {}
        self._numbers: dict[tuple[str, int], int] = {}
        self._numbers_back: dict[tuple[str, int], int] = {}
        self._odd: list[str] = []
        self._common: set[str] = set()
        self._guessing = False
        self._guesses: set[str] = set()
        self._number_guesses: set[tuple[str, int]] = set()

    def __len__(self) -> int:
        return len(self._forward) + len(self._numbers)

    def candidate_of(self, control: str) -> str | None:
        """Candidate's value for control's, or None."""
        return self._forward.get(control)

    def control_of(self, candidate: str) -> str | None:
        """Control's value for candidate's, or None."""
        return self._backward.get(candidate)

    def match(self, control: str, candidate: str) -> Match:
        """Bind the two if neither is bound; say whether they are bound to each other."""
        bound, bound_back = self._forward.get(control), self._backward.get(candidate)
        if bound is None and bound_back is None:
            self._bind(control, candidate)
            return Match.NEW
        if bound != candidate:
            return Match.CONFLICT
        if not self._guessing:
            self._guesses.discard(control)
        return Match.BOUND

    @contextmanager
    def guessing(self) -> Iterator[None]:
        """What is bound in here is a guess."""
        before, self._guessing = self._guessing, True
        try:
            yield
        finally:
            self._guessing = before

    def forget_guesses(self) -> None:
        """Unbind what was only guessed, so that something else can tell."""
        for control in self._guesses:
            del self._backward[self._forward.pop(control)]
        for scope, number in self._number_guesses:
            del self._numbers_back[scope, self._numbers.pop((scope, number))]
        self._odd = [value for value in self._odd if value in self._forward]
        self._guesses.clear()
        self._number_guesses.clear()

    def identify(self, values: Iterable[str]) -> bool:
        """Bind values that both sides share to themselves; False if one of them already stands for another."""
        conflicts = [value for value in values if self.match(value, value) is Match.CONFLICT]
        return not conflicts

    def both_say(self, word: str) -> None:
        """Both sides answered ``word`` at the same place."""
        if len(word) <= _LONGEST_WORD and len(self._common) < _MOST_WORDS:
            self._common.add(word)

    def is_common(self, word: str) -> bool:
        """Whether ``word`` means the same on both sides, since both said it or were sent it."""
        return word in self._common or word in self._given

    def _bind(self, control: str, candidate: str) -> None:
        self._forward[control] = candidate
        self._backward[candidate] = control
        if self._guessing:
            self._guesses.add(control)
        if control != candidate and RUN.fullmatch(control) is None:
            self._odd.append(control)

    def match_number(self, scope: str, control: int, candidate: int) -> Match:
        """The same for whole numbers, which only mean something together with what they number."""
        bound = self._numbers.get((scope, control))
        bound_back = self._numbers_back.get((scope, candidate))
        if bound is None and bound_back is None:
            self._numbers[scope, control] = candidate
            self._numbers_back[scope, candidate] = control
            if self._guessing:
                self._number_guesses.add((scope, control))
            return Match.NEW
        if bound != candidate:
            return Match.CONFLICT
        if not self._guessing:
            self._number_guesses.discard((scope, control))
        return Match.BOUND

    def number_of(self, scope: str, control: int) -> int | None:
        """Candidate's number for control's, or None."""
        return self._numbers.get((scope, control))

    def translate_number(self, scope: str, control: int) -> int | None:
        """:meth:`number_of` for a number that is sent to candidate, where a guess becomes known by that."""
        self._number_guesses.discard((scope, control))
        return self.number_of(scope, control)

    def control_number_of(self, scope: str, candidate: int) -> int | None:
        """Control's number for candidate's, or None."""
        return self._numbers_back.get((scope, candidate))

    def numbers_in(self, scope: str) -> bool:
        """Whether any number of ``scope`` is bound."""
        return any(known == scope for known, _ in self._numbers)

    @property
    def has_numbers(self) -> bool:
        return any(scoped[1] != candidate for scoped, candidate in self._numbers.items())

    def translate(self, text: str) -> str:
        """``text`` with every bound value of control's replaced by candidate's, also inside longer words.

        What was guessed and is sent to candidate is known from then on.
        """
        for value in self._odd:
            bound = self._forward[value]
            text = text.replace(value, bound).replace(quote(value, safe=""), quote(bound, safe=""))
        return RUN.sub(self._translate_run, text)

    def _translate_run(self, match: re.Match[str]) -> str:
        run = match.group()
        bound = self._forward.get(run)
        if bound is not None:
            self._guesses.discard(run)
            return bound
        for value in generated_values(run):
            bound = self._forward.get(value)
            if bound is not None and bound != value:
                self._guesses.discard(value)
                run = run.replace(value, bound)
        return run
