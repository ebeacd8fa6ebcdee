"""The trust table: every cell, by its value."""

import pytest

from listserv.domain.authorship import Level
from listserv.policy.trust import (
    TRUST,
    WITHOUT_PROOF,
    Act,
    Consequence,
    is_believed,
    trust,
    trust_table,
)

_C = Consequence

# level, act, what follows, what follows with auth.require_proven_author = false
CELLS = [
    (Level.PROVEN, Act.POST, _C.RULES, _C.RULES),
    (Level.PROVEN, Act.DELIVERY, _C.ACT, _C.ACT),
    (Level.PROVEN, Act.MEMBERSHIP, _C.ACT_WITH_UNDO, _C.ACT_WITH_UNDO),
    (Level.PROVEN, Act.MODERATION, _C.ACT, _C.ACT),
    (Level.FAMILIAR, Act.POST, _C.RULES, _C.RULES),
    (Level.FAMILIAR, Act.DELIVERY, _C.ACT_WITH_UNDO, _C.ACT_WITH_UNDO),
    (Level.FAMILIAR, Act.MEMBERSHIP, _C.CONFIRM, _C.CONFIRM),
    (Level.FAMILIAR, Act.MODERATION, _C.ACT, _C.ACT),
    (Level.UNPROVEN, Act.POST, _C.ASK, _C.RULES),
    (Level.UNPROVEN, Act.DELIVERY, _C.CONFIRM, _C.ACT_WITH_UNDO),
    (Level.UNPROVEN, Act.MEMBERSHIP, _C.CONFIRM, _C.CONFIRM),
    (Level.UNPROVEN, Act.MODERATION, _C.CONFIRM, _C.CONFIRM),
    (Level.CONTRADICTED, Act.POST, _C.KEEP_OUT, _C.KEEP_OUT),
    (Level.CONTRADICTED, Act.DELIVERY, _C.NOTHING, _C.NOTHING),
    (Level.CONTRADICTED, Act.MEMBERSHIP, _C.NOTHING, _C.NOTHING),
    (Level.CONTRADICTED, Act.MODERATION, _C.NOTHING, _C.NOTHING),
]


@pytest.mark.parametrize(("level", "act", "required", "not_required"), CELLS)
def test_a_cell(level: Level, act: Act, required: Consequence, not_required: Consequence) -> None:
    assert trust(level, act, require_proven_author=True).follows is required
    assert trust(level, act, require_proven_author=False).follows is not_required


def test_every_cell_has_a_case() -> None:
    assert [(level, act) for level, act, *_ in CELLS] == [(lv, act) for lv in Level for act in Act]
    assert [(level, list(cells)) for level, cells in TRUST.items()] == [
        (level, list(Act)) for level in Level
    ]


def test_not_asking_for_proof_changes_nothing_of_what_is_contradicted() -> None:
    assert {level for level, _ in WITHOUT_PROOF} == {Level.UNPROVEN}


@pytest.mark.parametrize("act", Act)
def test_less_belief_never_allows_more(act: Act) -> None:
    allows = [_C.RULES, _C.ACT, _C.ACT_WITH_UNDO, _C.CONFIRM, _C.ASK, _C.KEEP_OUT, _C.NOTHING]
    for required in (True, False):
        places = [
            allows.index(trust(level, act, require_proven_author=required).follows)
            for level in Level
        ]
        assert places == sorted(places)


def test_only_proven_and_familiar_authors_get_automatic_answers() -> None:
    assert [level for level in Level if is_believed(level)] == [Level.PROVEN, Level.FAMILIAR]


@pytest.mark.parametrize("required", [True, False])
def test_the_printed_table_has_every_cell_in_words(required: bool) -> None:
    lines = [ln for ln in trust_table(require_proven_author=required).splitlines() if ln[:1] == "|"]
    heading, _, *rows = [[c.strip() for c in line.strip("|").split(" | ")] for line in lines]
    assert heading == ["authorship", "when", *Act]
    for level, row in zip(Level, rows, strict=True):
        cells = [trust(level, act, require_proven_author=required).words for act in Act]
        assert [row[0], *row[2:]] == [level, *cells]
