"""What a comparison of two answers needs to know beside the answers."""

from __future__ import annotations

from dataclasses import dataclass, field

from migration.compare.bindings import Bindings
from migration.compare.knowledge import Knowledge
from migration.compare.registry import Place, PlaceKind
from migration.compare.times import Clock
from migration.compare.verdict import Difference, Kind


@dataclass(slots=True)
class Context:
    """One comparison: the route, when each side was asked (epoch seconds), and what earlier exchanges taught.

    ``learning`` is set when control is compared with itself: then values of unknown form may be bound, and the places
    where that works are remembered. ``noise`` collects what differs but says nothing.
    """

    route: str
    bindings: Bindings
    clock: Clock
    knowledge: Knowledge
    control_sent: float
    candidate_sent: float
    learning: bool = False
    noise: list[Difference] = field(default_factory=list)
    verdicts: dict[str, tuple[Kind, str]] = field(default_factory=dict)

    def place(self, folded: str) -> Place | None:
        return self.knowledge.place(self.route, folded)

    def is_made_up(self, word: str, place: Place | None = None) -> bool:
        """Whether ``word``, found at ``place``, is an identifier that a side made up, of whatever form.

        That a caller sent it back makes no identifier of a word that means the same on both sides: a zone, a status.
        """
        generated = place is not None and place.kind is PlaceKind.GENERATED
        if place is not None and generated and self.knowledge.is_hint(place):
            return True
        return (generated or self.knowledge.minted(word)) and not self.bindings.is_common(word)

    def note(self, location: str, kind: Kind, detail: str) -> None:
        """Remember why the values at ``location`` are not the same, better than the values themselves tell."""
        self.verdicts.setdefault(location, (kind, detail))
