"""Which proofs count, and what follows: every level and every act."""

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
SIGNED = Authorship(Level.PROVEN)
SENT = Authorship(Level.PROVEN, spf_aligned=True)
BY_DKIM = Authorship(Level.FAMILIAR, path=VerifiedPath(("isp.test",)))
BY_SPF = Authorship(Level.FAMILIAR, path=VerifiedPath((), "isp.test"))

STANDINGS = {
    "signed": (SIGNED, [GOOD], Level.PROVEN),
    "nearly a day old": (
        SIGNED,
        [Use(signed(24 * HOUR - timedelta(seconds=1)), before=False, first=NOW, names_us=True)],
        Level.PROVEN,
    ),
    "a clock ahead": (
        SIGNED, [Use(signed(-HOUR), before=False, first=NOW, names_us=True)], Level.PROVEN,
    ),
    "no time, new": (
        SIGNED, [Use(NO_TIME, before=False, first=NOW, names_us=True)], Level.PROVEN,
    ),
    "no time, first seen a day ago": (
        SIGNED, [Use(NO_TIME, before=False, first=NOW - 24 * HOUR, names_us=True)], Level.UNPROVEN,
    ),
    "old": (SIGNED, [OLD], Level.UNPROVEN),
    "used": (SIGNED, [USED], Level.UNPROVEN),
    "not to us": (SIGNED, [UNNAMED], Level.UNPROVEN),
    "one of two is used": (SIGNED, [GOOD, USED], Level.UNPROVEN),
    "one of two is old": (SIGNED, [OLD, GOOD], Level.PROVEN),
    "the young one is not to us": (SIGNED, [OLD, UNNAMED], Level.UNPROVEN),
    "proven by hearsay": (SIGNED, [], Level.UNPROVEN),
    "sent by its domain": (SENT, [], Level.PROVEN),
    "sent by its domain, signature used": (SENT, [USED], Level.PROVEN),
    "unproven": (Authorship(Level.UNPROVEN), [], Level.UNPROVEN),
    "contradicted": (Authorship(Level.CONTRADICTED), [], Level.CONTRADICTED),
    "familiar by what was signed": (BY_DKIM, [], Level.FAMILIAR),
    "familiar by who sent it": (BY_SPF, [], Level.FAMILIAR),
}  # fmt: skip


@pytest.mark.parametrize(("authorship", "uses", "level"), STANDINGS.values(), ids=STANDINGS)
def test_what_counts(authorship: Authorship, uses: list[Use], level: Level) -> None:
    for address_only in (False, True):
        if address_only and authorship is BY_DKIM:
            level = Level.UNPROVEN
        found, lacks = standing(authorship, uses, address_only=address_only, now=NOW)
        assert found is level
        assert bool(lacks) == (found is not authorship.level)


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
