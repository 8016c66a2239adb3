"""How many tokens an hour the model may read and write for everybody together."""

import math
import time
from collections import deque
from collections.abc import Callable

HOUR = 3600.0


class TokenBudget:
    """Counts the tokens of the last hour. `clock` is in seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._spent: deque[tuple[float, int]] = deque()
        self._sum = 0

    def spend(self, tokens: int) -> None:
        """Note that a request took `tokens`; the minute it was in is precise enough to remember."""
        minute = self._clock() // 60 * 60
        self._sum += tokens
        if self._spent and self._spent[-1][0] == minute:
            tokens += self._spent.pop()[1]
        self._spent.append((minute, tokens))

    def wait(self, per_hour: int) -> int:
        """Whole seconds until there are tokens again, of the `per_hour` that may be taken (0: any number)."""
        now = self._clock()
        while self._spent and self._spent[0][0] + HOUR <= now:
            self._sum -= self._spent.popleft()[1]
        if not per_hour or self._sum < per_hour:
            return 0
        return max(1, math.ceil(self._spent[0][0] + HOUR - now))
