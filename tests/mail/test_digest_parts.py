"""How the posts of an issue are laid out over its parts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.mail.digest_parts import Post, Size, Slice, laid_out

Laid = list[tuple[int, list[tuple[int, list[int]]]]]
ROOM = 100
# What each conversation's heading takes, and its posts: what stands around each, and its blocks;
# and for each part (conversation, post, from, to).
CASES: dict[str, tuple[Laid, list[list[tuple[int, int, int, int]]]]] = {
    "all in one": ([(10, [(5, [20, 20]), (5, [20])])], [[(0, 0, 0, 2), (0, 1, 0, 1)]]),
    "a heading once in a part": (
        [(40, [(1, [20]), (1, [20])]), (10, [(1, [5])])],
        [[(0, 0, 0, 1), (0, 1, 0, 1), (1, 0, 0, 1)]],
    ),
    "and in the next one": (
        [(40, [(1, [30]), (1, [30]), (1, [20])])],
        [[(0, 0, 0, 1)], [(0, 1, 0, 1), (0, 2, 0, 1)]],
    ),
    "a post stays whole where a part holds it": (
        [(1, [(1, [30]), (1, [40, 40])])], [[(0, 0, 0, 1)], [(0, 1, 0, 2)]],
    ),
    "a longer one begins where there is room": (
        [(1, [(1, [30]), (1, [40] * 4)])],
        [[(0, 0, 0, 1), (0, 1, 0, 1)], [(0, 1, 1, 3)], [(0, 1, 3, 4)]],
    ),
    "and not where there is little": (
        [(1, [(1, [80]), (1, [5] * 30)])], [[(0, 0, 0, 1)], [(0, 1, 0, 19)], [(0, 1, 19, 30)]],
    ),
    "nor without anything of it": (
        [(1, [(1, [70]), (1, [60] * 2)])], [[(0, 0, 0, 1)], [(0, 1, 0, 1)], [(0, 1, 1, 2)]],
    ),
    "a block that nothing holds is alone": (
        [(1, [(1, [30, 500, 30])])], [[(0, 0, 0, 1)], [(0, 0, 1, 2)], [(0, 0, 2, 3)]],
    ),
    "a post of no blocks": ([(1, [(1, [])])], [[(0, 0, 0, 0)]]),
}  # fmt: skip
SIZES = st.integers(0, 60)
ISSUES = st.lists(
    st.tuples(SIZES, st.lists(st.tuples(SIZES, st.lists(SIZES, min_size=1)), min_size=1)),
    min_size=1,
)


def lay(issue: Laid, *, as_html: bool) -> list[list[Slice]]:
    def size(octets: int) -> Size:
        return Size(0, octets) if as_html else Size(octets, 0)

    return laid_out(
        [
            (size(head), [Post(size(frame), tuple(map(size, blocks))) for frame, blocks in posts])
            for head, posts in issue
        ],
        Size(ROOM, ROOM),
    )


@pytest.mark.parametrize("as_html", [False, True])
@pytest.mark.parametrize("name", CASES)
def test_parts(name: str, as_html: bool) -> None:
    issue, expected = CASES[name]
    assert lay(issue, as_html=as_html) == [[Slice(*one) for one in part] for part in expected]


@given(ISSUES)
def test_every_block_is_in_one_part_and_no_part_is_too_large(issue: Laid) -> None:
    parts = lay(issue, as_html=True)
    laid = [
        (one.conversation, one.post, at)
        for part in parts
        for one in part
        for at in range(one.start, one.end)
    ]
    assert laid == [
        (conversation, post, at)
        for conversation, (_, posts) in enumerate(issue)
        for post, (_, blocks) in enumerate(posts)
        for at in range(len(blocks))
    ]
    for part in parts:
        heads = sum(issue[number][0] for number in {one.conversation for one in part})
        bodies = [issue[one.conversation][1][one.post] for one in part]
        used = sum(
            frame + sum(blocks[one.start : one.end])
            for one, (frame, blocks) in zip(part, bodies, strict=True)
        )
        assert part
        assert heads + used <= ROOM or sum(one.end - one.start for one in part) == 1
