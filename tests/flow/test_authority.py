"""May this mail act? Replays, copies to two of our addresses, and mail that proves too little."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pytest

from listserv.domain.authorship import UNCHECKED, Authorship, Level, Signature, VerifiedPath
from listserv.domain.lists import MailingList
from listserv.domain.members import Member
from listserv.domain.post import Client, Incoming, Transport
from listserv.flow import authority, tidy
from listserv.flow.authority import may_act
from listserv.mail.parse import parse
from listserv.policy.authority import Acting
from listserv.policy.trust import Act
from listserv.store import paths
from listserv.store.session import Tx
from tests.flow.test_tidy import KEEP
from tests.flow.world import DOMAIN, World, a_message, an_address

LEAVE, NOMAIL, REQUEST = (
    f"{name}@{DOMAIN}" for name in ("town-leave", "town+nomail", "town-request")
)
NAMES = frozenset({"from", "to", "subject", "date"})
ISP = VerifiedPath(("isp.test",), "isp.test")
BY_DKIM = VerifiedPath(("isp.test",))
CONTRADICTED = Authorship(Level.CONTRADICTED, ("it is forged",), policy="reject")
SPF = Authorship(Level.PROVEN, spf_aligned=True)


@dataclass
class Town:
    """A list with Ann; `asks` is a mail from her that wants something."""

    world: World
    mlist: MailingList
    ann: Member

    def signed(self, age: float | None = 0, names: frozenset[str] = NAMES) -> Authorship:
        """Signed so many seconds ago; with None nobody says when."""
        moment = None if age is None else int(self.world.clock.now().timestamp() - age)
        return Authorship(
            Level.PROVEN, aligned=(Signature("example.org", b"digest", moment, names),)
        )

    def by_isp(
        self, age: float = 0, names: frozenset[str] = NAMES, digest: bytes = b"isp"
    ) -> tuple[Signature, ...]:
        """Signed by her provider, which is not From's domain."""
        moment = int(self.world.clock.now().timestamp() - age)
        return (Signature("isp.test", digest, moment, names),)

    def asks(
        self,
        authorship: Authorship,
        address: str = LEAVE,
        act: Act = Act.MEMBERSHIP,
        *,
        author: str = "ann@example.org",
        header: Mapping[str, str] | None = None,
    ) -> Acting:
        raw = a_message(author, (address,), **(header or {}))
        incoming = Incoming(
            Transport.SMTP, Client("192.0.2.1", "x.test", trusted=False), author, (address,), raw
        )
        site, now = self.world.site, self.world.clock.now()
        return self.world.store.write(
            lambda tx: may_act(
                tx, site, incoming, parse(raw), authorship, an_address(address), act,
                self.ann, now,
            )
        )  # fmt: skip


@pytest.fixture
def town(world: World) -> Town:
    mlist = world.found("town")
    return Town(world, mlist, world.join(mlist, "ann@example.org", also="ann@work.test"))


MAIL = [
    # what is known of it, act, what follows
    ("signed", Act.MEMBERSHIP, Acting.ACT_WITH_UNDO),
    ("signed", Act.DELIVERY, Acting.ACT),
    ("signed", Act.MODERATION, Acting.ACT),
    ("signed long ago", Act.MEMBERSHIP, Acting.CONFIRM),
    ("signed long ago", Act.DELIVERY, Acting.CONFIRM),
    ("To is not signed", Act.MEMBERSHIP, Acting.CONFIRM),
    ("To is not signed", Act.DELIVERY, Acting.CONFIRM),
    ("sent by its domain", Act.MEMBERSHIP, Acting.ACT_WITH_UNDO),
    ("sent by its domain", Act.DELIVERY, Acting.ACT),
    ("contradicted", Act.MEMBERSHIP, Acting.NOTHING),
    ("contradicted", Act.DELIVERY, Acting.NOTHING),
    ("contradicted", Act.MODERATION, Acting.NOTHING),
    ("unproven", Act.MEMBERSHIP, Acting.CONFIRM),
    ("unproven", Act.DELIVERY, Acting.CONFIRM),
    ("unproven", Act.MODERATION, Acting.CONFIRM),
    ("nobody looked", Act.DELIVERY, Acting.CONFIRM),
    ("familiar", Act.MEMBERSHIP, Acting.CONFIRM),
    ("familiar", Act.DELIVERY, Acting.ACT_WITH_UNDO),
    ("familiar", Act.MODERATION, Acting.ACT),
    ("familiar by signature alone", Act.MEMBERSHIP, Acting.CONFIRM),
    ("familiar by signature alone", Act.DELIVERY, Acting.ACT_WITH_UNDO),
    ("familiar by signature alone", Act.MODERATION, Acting.ACT),
]


def known(town: Town, what: str) -> Authorship:
    """What the edge found, after Ann has confirmed what has to be familiar."""
    now = town.world.clock.now()
    for name, path in (("familiar", ISP), ("familiar by signature alone", BY_DKIM)):
        if what == name:
            town.world.store.write(lambda tx: paths.confirm(tx, town.ann.id, path, "ann", now))  # noqa: B023
            unaligned = town.by_isp() if path is BY_DKIM else ()
            return Authorship(Level.UNPROVEN, path=path, unaligned=unaligned)
    return {
        "signed": town.signed(),
        "signed long ago": town.signed(age=86_400),
        "To is not signed": town.signed(names=NAMES - {"to"}),
        "sent by its domain": SPF,
        "contradicted": CONTRADICTED,
        "unproven": Authorship(Level.UNPROVEN, path=ISP),
        "nobody looked": UNCHECKED,
    }[what]


@pytest.mark.parametrize(("what", "act", "follows"), MAIL)
def test_a_mail_to_an_address_that_is_the_command(
    town: Town, what: str, act: Act, follows: Acting
) -> None:
    assert town.asks(known(town, what), NOMAIL, act) is follows


# A mail that is familiar by its signature alone, sent again by somebody who has got it: from their
# own server, whose SPF passes, perhaps signed by themselves too.
MALLORY = Signature("evil.test", b"evil", None, NAMES)
BY_MALLORY = VerifiedPath(("isp.test", "evil.test"), "evil.test")


@pytest.mark.parametrize("address", [NOMAIL, REQUEST])
@pytest.mark.parametrize(
    ("age", "names", "to"),
    [(86_400, NAMES, ""), (0, NAMES - {"to"}, ""), (0, NAMES, "friend@example.net")],
    ids=["too old", "To is not signed", "to somebody else"],
)
def test_a_familiar_mail_that_was_not_for_us_now_is_confirmed(
    town: Town, address: str, age: float, names: frozenset[str], to: str
) -> None:
    known(town, "familiar by signature alone")
    unaligned = (*town.by_isp(age, names), MALLORY)
    for path in (BY_DKIM, BY_MALLORY):
        authorship = Authorship(Level.UNPROVEN, path=path, unaligned=unaligned)
        header = {"to": to} if to else None
        assert town.asks(authorship, address, Act.DELIVERY, header=header) is Acting.CONFIRM
        assert town.asks(authorship, address, Act.MODERATION, header=header) is Acting.CONFIRM


@pytest.mark.parametrize("address", [NOMAIL, REQUEST])
def test_a_familiar_mail_counts_once_and_not_again_by_whoever_sends_it(
    town: Town, address: str
) -> None:
    familiar = known(town, "familiar by signature alone")
    assert town.asks(familiar, address, Act.DELIVERY) is Acting.ACT_WITH_UNDO
    again = replace(familiar, path=BY_MALLORY, unaligned=(*familiar.unaligned, MALLORY))
    for time in ({"seconds": 1}, {"minutes": 1}, {"days": 2}):
        town.world.clock.pass_by(**time)
        assert town.asks(familiar, address, Act.DELIVERY) is Acting.CONFIRM
        assert town.asks(again, address, Act.DELIVERY) is Acting.CONFIRM


def test_a_mail_that_its_domain_has_sent_is_not_familiar_a_second_time(town: Town) -> None:
    """SPF proved it, and her provider signed it; without SPF only the signature is left."""
    known(town, "familiar by signature alone")
    sent = replace(SPF, unaligned=town.by_isp())
    assert town.asks(sent, REQUEST, Act.DELIVERY) is Acting.ACT
    again = Authorship(Level.UNPROVEN, path=BY_MALLORY, unaligned=sent.unaligned)
    assert town.asks(again, REQUEST, Act.DELIVERY) is Acting.CONFIRM


@pytest.mark.parametrize("age", [0, 3600, None], ids=["signed now", "an hour ago", "no time"])
def test_a_replay_is_confirmed_a_minute_and_two_days_later(town: Town, age: float | None) -> None:
    authorship = town.signed(age)
    assert town.asks(authorship) is Acting.ACT_WITH_UNDO
    assert town.asks(authorship) is Acting.CONFIRM
    for time in ({"minutes": 1}, {"days": 2}, {"days": 400}):
        town.world.clock.pass_by(**time)
        now = town.world.clock.now()
        town.world.store.write(lambda tx: tidy.forget(tx, KEEP, now))  # noqa: B023
        for act in (Act.MEMBERSHIP, Act.DELIVERY, Act.MODERATION):
            assert town.asks(authorship, act=act) is Acting.CONFIRM


def test_a_replay_without_the_signature_that_was_used_last_is_confirmed(town: Town) -> None:
    both = replace(
        town.signed(), aligned=(*town.signed().aligned, Signature("a.test", b"b", None, NAMES))
    )
    assert town.asks(both) is Acting.ACT_WITH_UNDO
    for one in both.aligned:
        assert town.asks(replace(both, aligned=(one,))) is Acting.CONFIRM


def test_one_signed_mail_copied_to_two_of_our_addresses_acts_at_each_once(town: Town) -> None:
    authorship = town.signed(names=NAMES | {"cc"})
    both = {"to": LEAVE, "cc": f"Town <{NOMAIL.upper()}>"}
    assert town.asks(authorship, LEAVE, header=both) is Acting.ACT_WITH_UNDO
    assert town.asks(authorship, NOMAIL, Act.DELIVERY, header=both) is Acting.ACT
    assert town.asks(authorship, LEAVE, header=both) is Acting.CONFIRM
    assert town.asks(authorship, NOMAIL, Act.DELIVERY, header=both) is Acting.CONFIRM


@pytest.mark.parametrize("address", [LEAVE, NOMAIL, REQUEST, f"listserv@{DOMAIN}"])
@pytest.mark.parametrize(
    "header",
    [
        {"to": "friend@example.net"},
        {"to": ""},
        {"to": "friend@example.net", "cc": "{}"},
        {"to": "friend@example.net", "resent_to": "{}"},
        {"to": '"{}" <friend@example.net>'},
        {"to": "x{}"},
        {"to": "{}, " + "a@example.net, " * 10_000},
    ],
    ids=["to another", "to nobody", "Cc added later", "resent", "as a name", "longer", "too long"],
)
def test_a_signed_mail_that_was_for_somebody_else_is_confirmed(
    town: Town, address: str, header: dict[str, str]
) -> None:
    told = {name: value.format(address) for name, value in header.items()}
    assert town.asks(town.signed(), address, Act.DELIVERY, header=told) is Acting.CONFIRM


def test_a_signature_without_a_time_counts_for_a_day_after_it_came_first(town: Town) -> None:
    authorship = town.signed(None)
    to = {"to": f"{LEAVE}, {NOMAIL}, {REQUEST}"}
    assert town.asks(authorship, LEAVE, header=to) is Acting.ACT_WITH_UNDO
    town.world.clock.pass_by(hours=23)
    assert town.asks(authorship, NOMAIL, header=to) is Acting.ACT_WITH_UNDO
    town.world.clock.pass_by(hours=1)
    assert town.asks(authorship, REQUEST, header=to) is Acting.CONFIRM


def test_a_mail_that_wants_several_things_spends_its_signature_once(town: Town) -> None:
    raw = a_message("ann@example.org", (REQUEST,))
    incoming = Incoming(
        Transport.SMTP, Client("192.0.2.1", "x.test", trusted=False), "", (REQUEST,), raw
    )
    site, now = town.world.site, town.world.clock.now()

    def ask(tx: Tx) -> list[Acting]:
        mail = authority.present(tx, incoming, parse(raw), town.signed(), an_address(REQUEST), now)
        acts = (Act.DELIVERY, Act.MEMBERSHIP, Act.DELIVERY)
        return [authority.allowed(tx, site, mail, act, town.ann) for act in acts]

    assert town.world.store.write(ask) == [Acting.ACT, Acting.ACT_WITH_UNDO, Acting.ACT]
    assert town.world.store.write(ask) == [Acting.CONFIRM] * 3


AUTHORS = [
    ("ann@work.test", Acting.ACT),
    ("Ann+tag@work.test", Acting.ACT),
    ("ben@example.org", Acting.CONFIRM),
    ("zoe@example.net", Acting.CONFIRM),
    ("ann@example.org, ben@example.org", Acting.CONFIRM),
]


@pytest.mark.parametrize(("author", "follows"), AUTHORS)
def test_a_mail_acts_for_its_author_only(town: Town, author: str, follows: Acting) -> None:
    town.world.join(town.mlist, "ben@example.org", role="owner")
    assert town.asks(town.signed(), act=Act.DELIVERY, author=author) is follows
    town.world.clock.pass_by(hours=1)
    moderation = Acting.ACT if follows is Acting.ACT else Acting.NOTHING
    assert town.asks(SPF, act=Act.MODERATION, author=author) is moderation


def test_a_forged_mail_of_somebody_else_does_nothing(town: Town) -> None:
    for act in (Act.DELIVERY, Act.MEMBERSHIP, Act.MODERATION):
        assert town.asks(CONTRADICTED, act=act, author="zoe@example.net") is Acting.NOTHING


def test_another_spelling_is_the_member_only_while_it_is_proven(town: Town) -> None:
    unproven = Authorship(Level.UNPROVEN, path=ISP)
    assert town.asks(unproven, act=Act.MODERATION, author="ann@work.test") is Acting.CONFIRM
    assert town.asks(unproven, act=Act.MODERATION, author="ann+x@work.test") is Acting.NOTHING


def test_without_the_need_of_proof_delivery_changes_are_told_and_the_rest_is_confirmed(
    town: Town,
) -> None:
    town.world.site = replace(town.world.site, require_proven_author=False)
    assert town.asks(UNCHECKED, act=Act.DELIVERY) is Acting.ACT_WITH_UNDO
    assert town.asks(UNCHECKED, act=Act.MEMBERSHIP) is Acting.CONFIRM
    assert town.asks(CONTRADICTED, act=Act.DELIVERY) is Acting.NOTHING
