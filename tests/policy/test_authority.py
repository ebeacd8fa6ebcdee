"""Which proofs count, and what follows: every level and every act."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from listserv.domain.authorship import Authorship, Level, Signature, VerifiedPath
from listserv.policy.authority import Acting, Use, acting, standing
from listserv.policy.trust import Act

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
SIGNATURE = Signature("example.org", b"one", int((NOW - HOUR).timestamp()), frozenset({"from"}))
GOOD = Use(SIGNATURE, before=False, first=NOW, names_us=True)


def signed(age: timedelta) -> Signature:
    return Signature("example.org", b"two", int((NOW - age).timestamp()), frozenset())


NO_TIME = Signature("example.org", b"three", None, frozenset())
USED = Use(SIGNATURE, before=True, first=NOW, names_us=True)
OLD = Use(signed(24 * HOUR), before=False, first=NOW, names_us=True)
UNNAMED = Use(SIGNATURE, before=False, first=NOW, names_us=False)
SENT = Authorship(Level.PROVEN, spf_aligned=True)
BY_DKIM, BY_SPF = VerifiedPath(("isp.test",)), VerifiedPath((), "isp.test")


def proven(uses: list[Use]) -> Authorship:
    """By these signatures alone."""
    return Authorship(Level.PROVEN, aligned=tuple(use.signature for use in uses))


# The signatures that prove the author, and how far they are believed.
PROOFS = {
    "new": ([GOOD], Level.PROVEN),
    "nearly a day old": (
        [Use(signed(24 * HOUR - timedelta(seconds=1)), before=False, first=NOW, names_us=True)],
        Level.PROVEN,
    ),
    "a clock ahead": (
        [Use(signed(-HOUR), before=False, first=NOW, names_us=True)], Level.PROVEN,
    ),
    "no time, new": ([Use(NO_TIME, before=False, first=NOW, names_us=True)], Level.PROVEN),
    "no time, first seen a day ago": (
        [Use(NO_TIME, before=False, first=NOW - 24 * HOUR, names_us=True)], Level.UNPROVEN,
    ),
    "old": ([OLD], Level.UNPROVEN),
    "used": ([USED], Level.UNPROVEN),
    "not to us": ([UNNAMED], Level.UNPROVEN),
    "one of two is used": ([GOOD, USED], Level.UNPROVEN),
    "one of two is old": ([OLD, GOOD], Level.PROVEN),
    "the young one is not to us": ([OLD, UNNAMED], Level.UNPROVEN),
    "by hearsay": ([], Level.UNPROVEN),
}  # fmt: skip


@pytest.mark.parametrize(("uses", "level"), PROOFS.values(), ids=PROOFS)
def test_which_proofs_count(uses: list[Use], level: Level) -> None:
    found, lacks = standing(proven(uses), uses, (), NOW)
    assert found is level
    assert bool(lacks) == (found is Level.UNPROVEN)


@pytest.mark.parametrize(("uses", "level"), PROOFS.values(), ids=PROOFS)
def test_a_path_of_signatures_alone_counts_as_they_do(uses: list[Use], level: Level) -> None:
    theirs = [replace(use, signature=replace(use.signature, domain="isp.test")) for use in uses]
    authorship = Authorship(
        Level.FAMILIAR, path=BY_DKIM, unaligned=tuple(use.signature for use in theirs)
    )
    found, lacks = standing(authorship, theirs, [BY_DKIM], NOW)
    assert found is (Level.FAMILIAR if level is Level.PROVEN else Level.UNPROVEN)
    assert bool(lacks) == (found is Level.UNPROVEN)


def test_somebody_elses_signature_makes_no_old_one_young() -> None:
    """Whoever sends a mail again may sign it too, with a domain of their own."""
    mallory = replace(GOOD, signature=replace(SIGNATURE, domain="evil.test"))
    old = replace(OLD, signature=replace(OLD.signature, domain="isp.test"))
    both = (old.signature, mallory.signature)
    known = Authorship(Level.FAMILIAR, path=VerifiedPath(("isp.test", "evil.test")), unaligned=both)
    assert standing(known, [old, mallory], [BY_DKIM], NOW)[0] is Level.UNPROVEN
    own = Authorship(Level.PROVEN, aligned=both[:1], unaligned=both[1:])
    assert standing(own, [old, mallory], (), NOW)[0] is Level.UNPROVEN


OTHERS = {
    "sent by its domain": (SENT, (), Level.PROVEN),
    "unproven": (Authorship(Level.UNPROVEN), (), Level.UNPROVEN),
    "contradicted": (Authorship(Level.CONTRADICTED), (), Level.CONTRADICTED),
    "familiar by who sent it":
        (Authorship(Level.FAMILIAR, path=BY_SPF), [BY_SPF], Level.FAMILIAR),
    "familiar by two paths, of which one says who sent it": (
        Authorship(Level.FAMILIAR, path=VerifiedPath(("isp.test",), "isp.test")),
        [BY_DKIM, BY_SPF], Level.FAMILIAR,
    ),
    "sent by another than what is familiar": (
        Authorship(Level.FAMILIAR, path=VerifiedPath(("isp.test",), "evil.test")),
        [BY_DKIM, BY_SPF], Level.UNPROVEN,
    ),
    "familiar by no path that is known": (
        Authorship(Level.FAMILIAR, path=BY_SPF), [], Level.UNPROVEN,
    ),
}  # fmt: skip


@pytest.mark.parametrize(("authorship", "known", "level"), OTHERS.values(), ids=OTHERS)
def test_what_else_counts(authorship: Authorship, known: list[VerifiedPath], level: Level) -> None:
    assert standing(authorship, [USED] if authorship is SENT else [], known, NOW)[0] is level


_A, _U, _C, _N = Acting.ACT, Acting.ACT_WITH_UNDO, Acting.CONFIRM, Acting.NOTHING
ACTING = [
    # level, delivery, membership, moderation
    (Level.PROVEN, _A, _U, _A),
    (Level.FAMILIAR, _U, _C, _A),
    (Level.UNPROVEN, _C, _C, _C),
    (Level.CONTRADICTED, _N, _N, _N),
]


@pytest.mark.parametrize(("level", "delivery", "membership", "moderation"), ACTING)
def test_what_follows(
    level: Level, delivery: Acting, membership: Acting, moderation: Acting
) -> None:
    expected = {Act.DELIVERY: delivery, Act.MEMBERSHIP: membership, Act.MODERATION: moderation}
    for act, follows in expected.items():
        assert acting(level, act, require_proven_author=True) is follows
        lenient = acting(level, act, require_proven_author=False)
        waived = (level, act) == (Level.UNPROVEN, Act.DELIVERY)
        assert lenient is (Acting.ACT_WITH_UNDO if waived else follows)
