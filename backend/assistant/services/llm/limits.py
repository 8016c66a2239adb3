"""What the supervisor is allowed, as the servers that use it say."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Limits:
    """How many may wait, how long things may take (in seconds), how many tokens an hour may take (0: any number).

    A supervisor may be older than the server that asks it, so every request brings the limits: the last ones hold.
    """

    queue_size: int
    time_limit: float
    load_limit: float
    linger: float
    tokens_per_hour: int
