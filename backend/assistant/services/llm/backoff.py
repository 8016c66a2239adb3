"""How long to wait before another try."""

#: Seconds before the first try, the longest wait, and after how long a time without trouble it begins anew.
FIRST = 0.5
LONGEST = 60.0
FORGET = 60.0


class Backoff:
    """Twice as long after each failure. Times are in seconds, of any clock that the caller keeps."""

    def __init__(self) -> None:
        self.failures = 0
        self._last = float("-inf")

    def failed(self, now: float) -> float:
        """Note a failure at `now`; how long to wait."""
        if now - self._last > max(FORGET, self._wait()):
            self.failures = 0
        self.failures += 1
        self._last = now
        return self._wait()

    def _wait(self) -> float:
        return float(min(LONGEST, FIRST * 2 ** max(0, self.failures - 1)))
