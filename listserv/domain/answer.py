"""What a post answers, where we know it better than the program that wrote it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer to an item of a digest, or to a whole one.

    `to` is the post that it answers, 0 where it begins a conversation; `references` are the
    Message-IDs of the conversation, that of `to` last. `renamed`: the subject of the stored post
    is ours and stands in the place of the author's. `cut` are ranges of lines, from one to before
    the other, of the post's text (mail.rendering) that do not go out: of the digest that the
    author's program quoted; none leaves the text as its author sent it. Nothing of the text itself
    is in here: this is kept when the bytes are gone.
    """

    to: int = 0
    references: tuple[str, ...] = ()
    renamed: bool = False
    cut: tuple[tuple[int, int], ...] = ()
