"""How far a mail acts, by how far its From is believed: TRUST, a table.

Rows are the levels of authorship, columns what a mail may ask for. A cell says what follows and
puts it in words; every cell has a case in tests/policy/test_trust.py.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import timedelta
from enum import StrEnum

from listserv.domain.authorship import Authorship, Level, VerifiedPath
from listserv.policy.markdown import markdown

# A path that a member or a moderator confirmed is familiar so long.
FAMILIAR_FOR = timedelta(days=180)
# Moderators see a post that waits for its own author after this time.
AUTHOR_FIRST = timedelta(hours=12)


class Act(StrEnum):
    """What a mail asks for. DELIVERY: digest, mail, nomail, a break. MEMBERSHIP: leave, change of
    address, the owners' verbs. MODERATION: a verb with the right token, From equal."""

    POST = "a post"
    DELIVERY = "digest, mail, nomail, break"
    MEMBERSHIP = "leave, change, owners' verbs"
    MODERATION = "a moderator's verb"


class Consequence(StrEnum):
    """RULES: the posting rules decide. ASK: a member is asked first at the address on file. KEEP
    OUT: a member's post is held without a word to them, anybody else's refused. ACT_WITH_UNDO: it
    is done, and the address on file hears how to undo it. CONFIRM: the address on file is asked."""

    RULES = "rules"
    ASK = "ask"
    KEEP_OUT = "keep out"
    ACT = "act"
    ACT_WITH_UNDO = "act with undo"
    CONFIRM = "confirm"
    NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class Cell:
    """What follows, and the same for a person."""

    follows: Consequence
    words: str


_C = Consequence
_RULES = Cell(_C.RULES, "the posting rules decide")
_CONFIRM = Cell(_C.CONFIRM, "has to be confirmed at the address on file")
_NOTHING = Cell(_C.NOTHING, "nothing happens")
_TOLD = Cell(_C.ACT_WITH_UNDO, "acts; the member is told, with UNDO")

TRUST: Mapping[Level, Mapping[Act, Cell]] = {
    Level.PROVEN: {
        Act.POST: _RULES,
        Act.DELIVERY: Cell(_C.ACT, "acts"),
        Act.MEMBERSHIP: Cell(_C.ACT_WITH_UNDO, "acts, with UNDO"),
        Act.MODERATION: Cell(_C.ACT, "acts"),
    },
    Level.FAMILIAR: {
        Act.POST: _RULES,
        Act.DELIVERY: _TOLD,
        Act.MEMBERSHIP: _CONFIRM,
        Act.MODERATION: Cell(_C.ACT, "acts"),
    },
    Level.UNPROVEN: {
        Act.POST: Cell(
            _C.ASK,
            "a member is asked first at the address on file, once a day; yes releases the post and"
            " makes its path familiar; moderators see it after 12 hours",
        ),
        Act.DELIVERY: _CONFIRM,
        Act.MEMBERSHIP: _CONFIRM,
        Act.MODERATION: Cell(
            _C.CONFIRM,
            "the moderator is asked by mail; the answer acts and makes the path familiar",
        ),
    },
    Level.CONTRADICTED: {
        Act.POST: Cell(
            _C.KEEP_OUT,
            "a member's is held and they are not written to; anybody else's is refused (SMTP) or"
            " discarded (LMTP)",
        ),
        Act.DELIVERY: _NOTHING,
        Act.MEMBERSHIP: _NOTHING,
        Act.MODERATION: Cell(_C.NOTHING, "nothing happens; the moderator is told once a day"),
    },
}

# The cells that `auth.require_proven_author = false` replaces, and nothing else.
WITHOUT_PROOF: Mapping[tuple[Level, Act], Cell] = {
    (Level.UNPROVEN, Act.POST): _RULES,
    (Level.UNPROVEN, Act.DELIVERY): _TOLD,
}

_MEANING: Mapping[Level, str] = {
    Level.PROVEN: "DKIM or SPF aligns with From",
    Level.FAMILIAR:
        "nothing aligns, and it came by a path that the member or a moderator confirmed within"
        f" {FAMILIAR_FOR.days} days",
    Level.UNPROVEN: "neither",
    Level.CONTRADICTED:
        "nothing aligns, and the policy of the author's domain is quarantine or reject",
}  # fmt: skip


def trust(level: Level, act: Act, *, require_proven_author: bool) -> Cell:
    """The cell that is in force."""
    if not require_proven_author and (level, act) in WITHOUT_PROOF:
        return WITHOUT_PROOF[level, act]
    return TRUST[level][act]


def is_believed(level: Level) -> bool:
    """Whether an automatic answer may go to the author: to anybody else it would be backscatter."""
    return level in {Level.PROVEN, Level.FAMILIAR}


def same_path(path: VerifiedPath, confirmed: VerifiedPath) -> bool:
    """Whether a mail came by a path that was confirmed: all that was verified then is verified now.
    More may be; less is another path, which whoever controls a part of the first could take. A mail
    of which nothing was verified came by no path at all."""
    return (
        bool(confirmed)
        and set(confirmed.dkim) <= set(path.dkim)
        and confirmed.spf in {"", path.spf}
    )


def recognised(authorship: Authorship, confirmed: Iterable[VerifiedPath]) -> Authorship:
    """What an unproven mail is when its author has these confirmed paths: perhaps familiar."""
    if authorship.level is not Level.UNPROVEN:
        return authorship
    if not any(same_path(authorship.path, path) for path in confirmed):
        return authorship
    return _familiar(authorship, "it came by a way that was confirmed before")


def vouched_for(authorship: Authorship, by: str) -> Authorship:
    """What an unproven mail is after `by` ("its author", "a moderator") has answered for it."""
    if authorship.level is not Level.UNPROVEN:
        return authorship
    if not authorship.path:
        return replace(authorship, reasons=(*authorship.reasons, f"{by} confirmed it by mail"))
    return _familiar(authorship, f"{by} confirmed the way it came")


def _familiar(authorship: Authorship, why: str) -> Authorship:
    return replace(authorship, level=Level.FAMILIAR, reasons=(*authorship.reasons, why))


def trust_table(*, require_proven_author: bool) -> str:
    """The table in Markdown, as it is in force: one line for each cell."""
    levels = [("authorship", "when"), *_MEANING.items()]
    cells = [("authorship", "what the mail is", "what follows")]
    for level in Level:
        for act in Act:
            cell = trust(level, act, require_proven_author=require_proven_author)
            cells.append((level, act, cell.words))
    setting = f"`auth.require_proven_author = {str(require_proven_author).lower()}`"
    return (
        f"# Trust\n\nHow far the From of a mail is believed:\n\n{markdown(levels)}\n"
        f"What such a mail may do, with {setting}:\n\n{markdown(cells)}"
    )
