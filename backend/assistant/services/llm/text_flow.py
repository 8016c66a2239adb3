"""From the bytes of tokens to text that may be shown at once."""

import codecs
from collections.abc import Sequence


class TextFlow:
    """Passes text on as it grows, and holds back what may still change.

    Held back are characters that are not complete, what may be the beginning of one of the `stop` texts, and, where the
    answer is to be stripped, white space at its end.
    """

    def __init__(self, stop: Sequence[str] = (), *, strip: bool = False) -> None:
        self.stopped = False
        self._stop = [text for text in stop if text]
        self._strip = strip
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._held = ""
        self._begun = False

    def feed(self, piece: bytes) -> str:
        """What may be shown now that `piece` has come."""
        return self._pass_on(self._decoder.decode(piece), final=False)

    def finish(self) -> str:
        """What is still to be shown when nothing more comes."""
        return "" if self.stopped else self._pass_on(self._decoder.decode(b"", True), final=True)

    def _pass_on(self, text: str, *, final: bool) -> str:
        text = self._held + text
        found = [at for stop in self._stop if (at := text.find(stop)) >= 0]
        if found:
            text, self.stopped, final = text[: min(found)], True, True
        if self._strip and not self._begun:
            text = text.lstrip()
        end = len(text) if final else self._safe_end(text)
        if self._strip:
            end = len(text[:end].rstrip())
        shown, self._held = text[:end], "" if final else text[end:]
        self._begun = self._begun or bool(shown)
        return shown

    def _safe_end(self, text: str) -> int:
        """Where the longest ending that a stop text might begin with starts."""
        longest = max((len(stop) for stop in self._stop), default=1) - 1
        for start in range(max(0, len(text) - longest), len(text)):
            if any(stop.startswith(text[start:]) for stop in self._stop):
                return start
        return len(text)
