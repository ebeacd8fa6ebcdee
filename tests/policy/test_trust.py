"""The trust table: every cell, by its value."""

import pytest

from listserv.domain.authorship import Authorship, Level, VerifiedPath
from listserv.policy.trust import (
    TRUST,
    WITHOUT_PROOF,
    Act,
    Consequence,
    is_believed,
    recognised,
    same_path,
    trust,
    trust_table,
    vouched_for,
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


# the path of a mail, a path that was confirmed, whether they are the same
PATHS = [
    (VerifiedPath(("a.org",)), VerifiedPath(("a.org",)), True),
    (VerifiedPath((), "a.org"), VerifiedPath((), "a.org"), True),
    (VerifiedPath(("a.org",), "a.org"), VerifiedPath(("a.org",), "a.org"), True),
    (VerifiedPath(("b.org", "a.org")), VerifiedPath(("a.org", "b.org")), True),
    # More is verified than was confirmed.
    (VerifiedPath(("a.org", "b.org"), "c.org"), VerifiedPath(("a.org",)), True),
    (VerifiedPath(("a.org",), "c.org"), VerifiedPath((), "c.org"), True),
    # Less is: half of a path is open to whoever has an account on one of two servers.
    (VerifiedPath(("a.org",)), VerifiedPath(("a.org",), "c.org"), False),
    (VerifiedPath((), "c.org"), VerifiedPath(("a.org",), "c.org"), False),
    (VerifiedPath(("a.org",)), VerifiedPath(("a.org", "b.org")), False),
    (VerifiedPath(("evil.org",), "evil.org"), VerifiedPath(("a.org",), "a.org"), False),
    (VerifiedPath(("a.org",), "evil.org"), VerifiedPath(("a.org",), "a.org"), False),
    # What d= says is no envelope sender, and the other way round.
    (VerifiedPath(("a.org",)), VerifiedPath((), "a.org"), False),
    (VerifiedPath((), "a.org"), VerifiedPath(("a.org",)), False),
    # Nothing verified is no path.
    (VerifiedPath(), VerifiedPath(), False),
    (VerifiedPath(("a.org",), "a.org"), VerifiedPath(), False),
    (VerifiedPath(), VerifiedPath(("a.org",)), False),
]


@pytest.mark.parametrize(("path", "confirmed", "same"), PATHS)
def test_a_path_is_familiar_when_all_that_was_confirmed_is_verified_again(
    path: VerifiedPath, confirmed: VerifiedPath, same: bool
) -> None:
    assert same_path(path, confirmed) is same
    before = Authorship(Level.UNPROVEN, ("nothing aligns",), path)
    after = recognised(before, [VerifiedPath(("other.example",)), confirmed])
    assert after.level is (Level.FAMILIAR if same else Level.UNPROVEN)
    assert after.reasons[0] == "nothing aligns"


@pytest.mark.parametrize("level", [Level.PROVEN, Level.CONTRADICTED])
def test_no_path_and_no_person_changes_what_is_proven_or_contradicted(level: Level) -> None:
    path = VerifiedPath(("a.org",), "a.org")
    authorship = Authorship(level, ("so it is",), path, policy="reject")
    assert recognised(authorship, [path]) is authorship
    assert vouched_for(authorship, "a moderator") is authorship


def test_who_answers_for_a_mail_makes_its_path_familiar_and_for_no_path_says_so_only() -> None:
    mail = Authorship(Level.UNPROVEN, ("nothing aligns",), VerifiedPath(("a.org",)))
    vouched = vouched_for(mail, "its author")
    assert (vouched.level, vouched.path) == (Level.FAMILIAR, mail.path)
    assert vouched.reasons == ("nothing aligns", "its author confirmed the way it came")
    bare = vouched_for(Authorship(Level.UNPROVEN, ("nothing is signed",)), "its author")
    assert bare.level is Level.UNPROVEN
    assert bare.reasons == ("nothing is signed", "its author confirmed it by mail")


@pytest.mark.parametrize("required", [True, False])
def test_the_printed_table_has_every_cell_in_words(required: bool) -> None:
    printed = trust_table(require_proven_author=required)
    lines = [line for line in printed.splitlines() if line.startswith("|")]
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines]
    for level in Level:
        for act in Act:
            words = trust(level, act, require_proven_author=required).words
            assert [level, act, words] in rows
