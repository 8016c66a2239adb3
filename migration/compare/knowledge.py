"""What is known about places while a run goes on: hints from the registry, and what control taught about itself."""

from __future__ import annotations

import copy
from collections import Counter
from collections.abc import Callable
from typing import Any

from migration.compare.locations import location_matches, route_matches
from migration.compare.registry import Place, PlaceKind
from migration.compare.verdict import NoisePlace


class Knowledge:
    """Answers "what is at this place of this route?" for folded locations, quickly.

    ``minted`` tells whether a value was made up by the recorded server and sent back to it later by a caller, which
    is how an identifier of any form gives itself away.
    """

    def __init__(self, places: tuple[Place, ...] = (), minted: Callable[[str], bool] = lambda value: False) -> None:
        self._hints = places
        self._known: dict[tuple[str, str], Place | None] = {}
        self._learned: set[tuple[str, str]] = set()
        self._numbered: set[str] = set()
        self._numbering: dict[tuple[str, str], Place] = {}
        self._noise: dict[tuple[str, str], tuple[int, tuple[Any, Any]]] = {}
        self._untrusted: set[tuple[str, str]] = set()
        self._answers: Counter[str] = Counter()
        self.minted = minted

    def seen_by(self, minted: Callable[[str], bool]) -> Knowledge:
        """The same knowledge, shared and growing, with another view of which values the server made up."""
        view = copy.copy(self)
        view.minted = minted
        return view

    def place(self, route: str, folded: str) -> Place | None:
        """What is known about ``folded`` in answers of ``route``."""
        key = (route, folded)
        if key not in self._known:
            self._known[key] = self._look_up(route, folded)
        return self._known[key]

    def _look_up(self, route: str, folded: str) -> Place | None:
        for hint in self._hints:
            if route_matches(hint.route, route) and location_matches(hint.location, folded):
                return hint
        if (route, folded) in self._numbering:
            return self._numbering[route, folded]
        if (route, folded) in self._untrusted:
            return Place(route, folded, PlaceKind.NOISE, "control does not agree with itself")
        if (route, folded) in self._learned:
            return Place(route, folded, PlaceKind.GENERATED, "control answers another value each time")
        return None

    def is_hint(self, place: Place) -> bool:
        """Whether a registry tells of ``place``, and not what was learned."""
        return place in self._hints

    def has_places(self, route: str) -> bool:
        """Whether equal bytes of this route must be looked into, since they hold generated values of unknown form."""
        return any(learned_route == route for learned_route, _ in self._learned)

    def learn_generated(self, route: str, folded: str) -> None:
        """Control made another value here on its second run, and stuck to it."""
        if (route, folded) not in self._learned:
            self._learned.add((route, folded))
            self._known.pop((route, folded), None)

    def learn_numbering(self, route: str, folded: str, scope: str) -> None:
        """The whole numbers here are those by which a database knows its ``scope``."""
        if (route, folded) not in self._numbering:
            self._numbering[route, folded] = Place(
                route, folded, PlaceKind.GENERATED, "the database's number", 1, scope
            )
            self._known.pop((route, folded), None)

    def learn_numbered(self, scope: str) -> None:
        """The server numbers these things: ``order`` 17."""
        self._numbered.add(scope)

    def is_numbered(self, scope: str) -> bool:
        return scope in self._numbered

    def learn_noise(self, route: str, folded: str, example: tuple[Any, Any], *, everywhere: bool) -> None:
        """Control did not agree with itself here; ``everywhere`` says that no answer of the route is to be trusted."""
        count, first = self._noise.get((route, folded), (0, example))
        self._noise[route, folded] = (count + 1, first)
        if everywhere:
            self._untrusted.add((route, folded))
            self._known.pop((route, folded), None)

    def saw_answer(self, route: str) -> None:
        """An answer of ``route`` was compared with another one of control's own."""
        self._answers[route] += 1

    def is_noise(self, route: str, folded: str) -> bool:
        """Whether a difference here can't be held against candidate."""
        place = self.place(route, folded)
        return place is not None and place.kind is PlaceKind.NOISE

    def noise(self) -> tuple[NoisePlace, ...]:
        """The places where control did not agree with itself, most frequent first."""
        places = [
            NoisePlace(route, location, self._answers[route], count, example)
            for (route, location), (count, example) in self._noise.items()
        ]
        return tuple(sorted(places, key=lambda place: (-place.rate, place.route, place.location)))
