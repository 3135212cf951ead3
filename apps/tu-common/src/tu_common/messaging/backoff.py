"""Growing pauses with jitter."""

import random


class Backoff:
    def __init__(self, first: float = 0.2, most: float = 15.0) -> None:
        self._first = first
        self._most = most
        self._next = first

    def pause(self) -> float:
        """Seconds to wait before the next attempt."""
        current = self._next
        self._next = min(self._next * 2, self._most)
        # Spread, so that replicas that lost the same broker do not come back in step.
        return current * random.uniform(0.75, 1.25)  # noqa: S311

    def reset(self) -> None:
        self._next = self._first
