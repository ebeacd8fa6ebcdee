"""The table of SMTP replies."""

import pytest

from listserv.domain import replies
from listserv.domain.decision import Decision, Reason, Verdict
from listserv.domain.replies import REPLIES, Reply


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: str(reply.text))
def test_a_reply_is_one_short_line_of_ascii(reply: Reply) -> None:
    assert reply.line.isascii() and reply.line.isprintable()
    assert len(reply.line) < 400  # RFC 5321 4.5.3.1.5: 512 octets, CRLF and our id included


@pytest.mark.parametrize("reply", REPLIES, ids=lambda reply: str(reply.text))
def test_code_and_status_agree(reply: Reply) -> None:
    assert reply.status[0] == str(reply.code)[0] in {"2", "4", "5"}
    assert reply.accepted == (reply.code < 400)


def test_no_two_replies_are_alike() -> None:
    assert len({reply.line for reply in REPLIES}) == len(REPLIES)
    assert len({reply.text for reply in REPLIES}) == len(REPLIES)


def test_every_reply_stands_in_the_table() -> None:
    named = {value for value in vars(replies).values() if isinstance(value, Reply)}
    assert named == set(REPLIES)


@pytest.mark.parametrize(
    "reply",
    [replies.OUR_FAULT, replies.STORAGE, replies.TOO_BUSY, replies.TOO_MANY_RECIPIENTS],
)
def test_our_own_fault_is_temporary(reply: Reply) -> None:
    assert 400 <= reply.code < 500


def test_a_decision_alone_has_nothing_against_the_post() -> None:
    assert Decision(Verdict.ACCEPT) == Decision(Verdict.ACCEPT, (), replies.ACCEPTED, keep=False)
    assert Reason("loop", "it has been here").rule == "loop"
