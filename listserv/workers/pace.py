"""How fast we may send: what the operator allows a second, and what the relay can bear."""

from listserv.clock import Clock

# Throttled, we halve what is on the wire at once; for each quiet minute it doubles again.
_QUIET = 60.0
_NO_LIMIT = 1 << 30


class Pace:
    """`per_second`: recipients, 0 for no limit; a second's worth may go at once."""

    def __init__(self, clock: Clock, per_second: float = 0) -> None:
        self._clock = clock
        self._per_second = per_second
        self._tokens = per_second
        self._filled = clock.monotonic()
        self._allowed = _NO_LIMIT
        self._changed = 0.0

    @property
    def allowed(self) -> int:
        """How many transactions may be on the wire at once."""
        if self._allowed == _NO_LIMIT:
            return _NO_LIMIT
        now = self._clock.monotonic()
        while self._allowed < _NO_LIMIT and now - self._changed >= _QUIET:
            self._changed += _QUIET
            self._allowed = self._allowed * 2 if self._allowed < 1024 else _NO_LIMIT
        return self._allowed

    def slow(self, now_at_most: int = 64) -> None:
        """The relay asks us to be slower. Once a second counts: many connections say it at once."""
        now = self._clock.monotonic()
        if self._allowed < _NO_LIMIT and now - self._changed < 1:
            return
        self._allowed = max(1, min(self._allowed, now_at_most) // 2)
        self._changed = now

    def take(self, recipients: int) -> bool:
        """Whether so many recipients may go now."""
        if not self._per_second:
            return True
        now = self._clock.monotonic()
        gained = (now - self._filled) * self._per_second
        self._tokens = min(self._per_second, self._tokens + gained)
        self._filled = now
        if self._tokens < min(recipients, self._per_second):
            return False
        self._tokens -= recipients
        return True
