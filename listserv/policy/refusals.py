"""What a refusal by the relay is about: a recipient, a mailing, our pace, or us altogether.

Only a 5xx at RCPT can be about the recipient, and even that one says nothing about them when the
relay says it to everybody: so refusals are kept back until an answer of another kind shows that the
relay still tells people apart. Nobody is scored for a refusal that was not theirs.
"""

import re
from collections import Counter
from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Generic, TypeVar

H = TypeVar("H", bound=Hashable)

# The same words for so many recipients in a row: they are about us.
SAME_IN_A_ROW = 20
# The final dot of so many recipients of one mailing refused for good: it is about the mailing.
SAME_MAILING = 3

_THROTTLING = re.compile(
    r"^421\b|\b4\.7\.28\b|throttl|rate.?limit|too (?:many|fast|much)|slow down|\brate\b",
    re.IGNORECASE,
)
# RFC 3463 3.2: "bad destination mailbox address". Servers answer it alike for many in a stale list.
_BAD_ADDRESS = re.compile(r"^5\d\d[ -]5\.1\.\d")


def is_throttling(words: str) -> bool:
    """Whether a temporary refusal asks us to be slower, and is not about the recipient."""
    return bool(_THROTTLING.search(words))


def same_words(words: str, recipient: str) -> str:
    """A refusal without the recipient's address, for comparing; one about the address as such
    counts as the same only when it does not even name it."""
    if _BAD_ADDRESS.match(words):
        return words
    return re.sub(re.escape(recipient), "", words, flags=re.IGNORECASE)


@dataclass
class Watch(Generic[H]):
    """Watches one worker's answers in the order they come. H names a recipient's place."""

    _kept_back: list[H] = field(default_factory=list)
    _words: str = ""
    _refused_content: Counter[int] = field(default_factory=Counter)

    @property
    def keeps_back(self) -> bool:
        """Whether there is a refusal about which nothing is known yet."""
        return bool(self._kept_back)

    def answered(self) -> list[H]:
        """The relay took a copy or deferred one: it tells recipients apart. Returns the places
        whose refusal was kept back and counts now."""
        return self._let_go()

    def refused(self, place: H, recipient: str, words: str) -> tuple[list[H], bool]:
        """A 5xx at RCPT. Returns the earlier places whose refusal counts now, and whether it is
        about us: then everything kept back, this one too, was never about a recipient."""
        same = same_words(words, recipient)
        counts = self._let_go() if same != self._words else []
        self._words = same
        self._kept_back.append(place)
        if len(self._kept_back) < SAME_IN_A_ROW:
            return counts, False
        self.forget()
        return counts, True

    def forget(self) -> None:
        """The relay is paused: what was kept back is not about anybody."""
        self._kept_back.clear()
        self._words = ""

    def _let_go(self) -> list[H]:
        counts, self._kept_back, self._words = self._kept_back, [], ""
        return counts

    def refused_content(self, mailing: int) -> bool:
        """A 5xx at the final dot. Whether the mailing is to be paused."""
        self._refused_content[mailing] += 1
        if self._refused_content[mailing] < SAME_MAILING:
            return False
        del self._refused_content[mailing]
        return True
