"""What comes back of a member's copy, and what their programs answer, never reaches who wrote the
post, nor anybody else who reads it: whatever address of ours it is sent to."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest

from listserv.domain.address import DOMAIN_FORMS, FORMS, Role
from listserv.domain.lists import MailingList
from listserv.domain.post import Transport
from listserv.domain.tokens import Purpose, copy_token, item_token
from tests.flow.letters import ANN, BOB, CLEO, MO, UNPROVEN, the_letter, the_member
from tests.flow.world import DOMAIN, World, an_address
from tests.mail import reporting
from tests.mail.building import crlf

OPERATOR = "op@office.test"
FAILED = "Final-Recipient: rfc822; bob@example.org\nAction: failed\nStatus: 5.1.1"


@pytest.fixture
def town(world: World) -> MailingList:
    """Ann posts; her post is read by Bob and Cleo, another of hers waits for Mo, and of a third she
    is asked whether it is hers."""
    world.site = replace(world.site, operators={DOMAIN: an_address(OPERATOR)})
    mlist = world.found("town", title="Our Town")
    for address in (ANN, BOB, CLEO):
        world.join(mlist, address)
    world.join(mlist, MO, role="owner", delivery="nomail")
    return mlist


@dataclass(frozen=True)
class Back:
    """A mail that comes back; `by_person`: only its words tell that no person wrote it."""

    raw: bytes
    sender: str = ""
    by_person: bool = False


def returned(copy: bytes) -> dict[str, Back]:
    """Whatever systems and programs make of a copy that Bob got."""
    text = "I am away until Monday. You wrote: The secret word is heliotrope.\n"
    away = (
        f"From: Bob <{BOB}>\nTo: {ANN}, town@{DOMAIN}\nSubject: Re: Hello\n"
        "Message-ID: <{}@example.org>\n"
    )

    def answer(number: int, *marks: str) -> bytes:
        return crlf(away.format(f"away{number}") + "".join(f"{m}\n" for m in marks) + f"\n{text}")

    daemon = "From: MAILER-DAEMON@mx.example.org\nSubject: failure notice\nMessage-ID: <q@x>\n"
    qmail = crlf(
        f"{daemon}\nHi. This is the qmail-send program at mx.example.org.\n\n"
        f"<{BOB}>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n--- Below this line\n\n"
    )
    receipt = crlf(
        f"{away.format('read')}Content-Type: multipart/report; "
        f"report-type=disposition-notification; boundary=b\n\n--b\n\n{text}\n--b\n"
        "Content-Type: message/disposition-notification\n\n"
        f"Final-Recipient: rfc822;{BOB}\nDisposition: automatic-action/"
        "MDN-sent-automatically; displayed\n--b--\n"
    )
    return {
        "a report": Back(reporting.report(FAILED) + copy),
        "a report with a sender": Back(reporting.report(FAILED) + copy, "daemon@mx.example.org"),
        "a delay": Back(reporting.report(FAILED.replace("failed", "delayed")) + copy),
        "a report in Ann's name": Back(
            reporting.report(FAILED).replace(b"MAILER-DAEMON@mx.example.org", ANN.encode())
        ),
        "a bounce in an old form": Back(qmail + copy),
        "a receipt": Back(receipt, BOB),
        "an answer that says so": Back(answer(1, "Auto-Submitted: auto-replied"), BOB),
        "an answer of an old program": Back(answer(2, "X-Autoreply: yes"), BOB),
        "one of Exchange": Back(answer(3, "X-Auto-Response-Suppress: All"), BOB),
        "one in bulk": Back(answer(4, "Precedence: auto_reply"), BOB),
        "one without a return path": Back(answer(5)),
        "one that nothing marks": Back(answer(6), BOB, by_person=True),
        "a complaint": Back(reporting.complaint(copy)),
        "a complaint about another": Back(reporting.complaint(b"Subject: Hello\r\n\r\n")),
    }


def addresses(world: World, mlist: MailingList) -> Iterator[str]:
    """Every address of ours, with tokens that are good where they are computed."""
    bob = the_member(world, mlist, BOB).id
    good = {
        Role.BOUNCES: copy_token(world.site.secret, Purpose.BOUNCES, bob, 1),
        Role.LEAVE_TOKEN: copy_token(world.site.secret, Purpose.LEAVE, 0, 1),
        Role.ITEM: item_token(world.site.secret, 1),
    }
    good[Role.ROBOT_BOUNCES] = good[Role.BOUNCES]
    for form in (*FORMS, *DOMAIN_FORMS):
        name = f"town{form.suffix}" if form in FORMS else form.suffix
        yield f"{name}{good.get(form.role, 'a' * 22) if form.argument else ''}@{DOMAIN}"


@pytest.mark.parametrize("transport", list(Transport))
def test_nothing_that_comes_back_reaches_who_wrote_or_reads(
    world: World, town: MailingList, transport: Transport
) -> None:
    world.post(ANN, "town", body="The secret word is heliotrope.")
    assert world.deliver() == [ANN, BOB, CLEO]
    sent = next(one for one in world.sent if BOB in one.recipients)
    copy = f"Return-Path: <{sent.sender}>\r\n".encode() + b"".join(sent.data)
    world.post(ANN, "town", subject="Mine?", authorship=UNPROVEN)
    questions = [the_letter(world, ANN).reply_to]
    world.post("zoe@example.net", "town", subject="May I?")
    world.deliver()
    for one in world.waiting:
        found = re.search(rb"Reply-To: <?([^\s>]+)", b"".join(one.data))
        questions += [found[1].decode()] if found else []
    assert {one.partition("+")[0] for one in questions} == {"town-confirm", "town-moderate"}
    ours = [*addresses(world, town), *questions]
    waiting = len(world.waiting)
    # Nothing tells it from a post of Bob's, or from the answer of who has the question.
    persons = [one for one in ours if one.startswith(("town@", "town+re-")) or one in questions]
    for name, back in returned(copy).items():
        to = [one for one in ours if not (back.by_person and one in persons)]
        world.post(BOB, *to, raw=back.raw, sender=back.sender, transport=transport)
        got = set(world.deliver())
        assert got <= {OPERATOR, MO, BOB}, (name, got)
        assert len(world.waiting) == waiting, name
