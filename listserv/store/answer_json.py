"""What a post answers, as its row keeps it."""

from typing import Any

from listserv.domain.answer import Answer


def write_answer(answer: Answer | None) -> dict[str, Any] | None:
    """JSON; None, which is nearly always, is NULL."""
    if answer is None:
        return None
    return {
        "to": answer.to,
        "references": list(answer.references),
        "renamed": answer.renamed,
        "cut": [list(lines) for lines in answer.cut],
    }


def read_answer(stored: dict[str, Any] | None) -> Answer | None:
    """The inverse."""
    if stored is None:
        return None
    return Answer(
        to=stored["to"],
        references=tuple(stored["references"]),
        renamed=stored["renamed"],
        cut=tuple((first, end) for first, end in stored["cut"]),
    )
