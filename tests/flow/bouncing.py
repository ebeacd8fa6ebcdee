"""Mail of ours that comes back, as other mail systems report it."""

from collections.abc import Iterable

from listserv.domain.authorship import UNCHECKED
from listserv.domain.members import Member, MemberState
from listserv.domain.transaction import Transaction
from listserv.flow import bounce as flow
from listserv.flow import weigh
from listserv.policy.bounces import Judgement
from listserv.store import lists, members
from listserv.store.session import Tx
from tests.flow.world import World

# A status, and what the other system says.
Said = tuple[str, str]
HARD = ("5.1.1", "550 5.1.1 no such user here")
SOFT = ("5.2.2", "552 5.2.2 mailbox full")
POLICY = ("5.7.1", "550 5.7.1 message refused because of our policy")


def a_report(to: str, said: Said, *recipients: str, action: str = "failed") -> bytes:
    """A delivery status notification (RFC 3464) to a return path."""
    status, words = said
    lines = [
        "From: MAILER-DAEMON@mx.example.net",
        f"To: {to}",
        "Subject: Undelivered Mail Returned to Sender",
        "Auto-Submitted: auto-replied",
        "MIME-Version: 1.0",
        'Content-Type: multipart/report; report-type=delivery-status; boundary="b"',
        "",
        "--b",
        "Content-Type: message/delivery-status",
        "",
        "Reporting-MTA: dns; mx.example.net",
    ]
    for recipient in recipients:
        lines += [
            "",
            f"Final-Recipient: rfc822; {recipient}",
            f"Action: {action}",
            f"Status: {status}",
            f"Diagnostic-Code: smtp; {words}",
        ]
    return "\r\n".join([*lines, "", "--b--", ""]).encode()


def bounce(
    world: World, sent: Transaction, said: Said = HARD, to: str = "", action: str = "failed"
) -> None:
    """One of the mails that left is reported to its return path, as not delivered to `to` (by
    default whom it went to)."""
    raw = a_report(sent.sender, said, to or sent.recipients[0], action=action)
    replies = world.post("", sent.sender, raw=raw, sender="", authorship=UNCHECKED)
    assert [reply.accepted for reply in replies] == [True]


def sent_to(world: World, *addresses: str) -> list[Transaction]:
    """What is sent to these people now; all else is sent too."""
    before = len(world.sent)
    world.deliver()
    new = world.sent[before:]
    return [one for one in new if set(one.recipients) & set(addresses)]


def weigh_all(world: World) -> None:
    """What the server does every second."""
    while world.store.write(lambda tx: weigh.weigh(tx, world.site, world.clock.now())):
        pass


def a_day(world: World, refuse: Iterable[tuple[str, Said]], poster: str, town: str) -> None:
    """A post goes out and comes back from some; then what follows goes out."""
    world.clock.pass_by(days=1)
    world.post(poster, town)
    said = dict(refuse)
    for one in sent_to(world, *said):
        bounce(world, one, said[one.recipients[0]])
    weigh_all(world)


def standing(world: World, member: Member) -> Judgement:
    now = world.clock.now()
    return world.store.read(lambda tx: weigh.standing(tx, world.site, [member.id], now))[member.id]


def now_is(world: World, member: Member) -> Member:
    found = world.store.read(lambda tx: members.get(tx, member.id))
    assert found is not None
    return found


def is_suspended(world: World, member: Member) -> bool:
    return now_is(world, member).state is MemberState.SUSPENDED


def suspend(world: World, member: Member, why: str = flow.BOUNCES) -> None:
    def stop(tx: Tx) -> bool:
        mlist = lists.get(tx, member.list_id)
        return flow.suspend(tx, world.site, mlist, member, why, world.clock.now(), "550 5.1.1 no")

    assert world.store.write(stop)
