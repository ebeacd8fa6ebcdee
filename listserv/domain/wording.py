"""What a person reads of a post, as far as rules about texts look at it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Wording:
    """`body` is the text without what it quotes, up to a limit; `link` and `attachment` say whether
    there is one."""

    subject: str
    body: str
    link: bool
    attachment: bool
