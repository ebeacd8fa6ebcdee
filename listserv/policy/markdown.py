"""Tables of ours as people read them: on a terminal, and as a page below docs/."""

from collections.abc import Sequence


def markdown(rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, the first row its heading; columns are padded, so that it reads well on
    a terminal too."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    ruled = [rows[0], ["-" * width for width in widths], *rows[1:]]
    return "".join(f"| {' | '.join(map(str.ljust, row, widths))} |\n" for row in ruled)
