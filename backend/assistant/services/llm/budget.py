"""How many tokens an hour the model may read and write for everybody together."""

import math
import time
from collections import deque
from collections.abc import Callable

HOUR = 3600.0


class TokenBudget:
    """Counts the tokens of the last hour; `per_hour` is 0 where there is no limit. `clock` is in seconds."""

    def __init__(self, per_hour: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.per_hour = per_hour
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

    def wait(self) -> int:
        """Whole seconds until there are tokens again; 0 where there are."""
        now = self._clock()
        while self._spent and self._spent[0][0] + HOUR <= now:
            self._sum -= self._spent.popleft()[1]
        if not self.per_hour or self._sum < self.per_hour:
            return 0
        return max(1, math.ceil(self._spent[0][0] + HOUR - now))
