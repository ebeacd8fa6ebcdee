"""CHUNKING (RFC 3030): a message goes in one flight with its envelope, and never twice."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.mailing import Fate
from listserv.domain.transaction import Settled, Stage, Transaction, Unfinished
from listserv.smtp.offer import Offer
from listserv.smtp.pipeline import Pipeline, Wait
from tests.smtp.peer import letter, play

# A's first line is tried, and taken; what it says of A is the same in all of them.
PROVEN = """
        peer PIPELINING CHUNKING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: BDAT 11
        C: text of A
        S: 250 ok
        S: 250 ok
        S: 250 11 octets
        C: BDAT 0 LAST
        S: 250 taken
        = A delivered ann@x (final dot): 250 taken"""
B = """
        send B bob@x
        C: MAIL FROM:<B@l.example>
        C: RCPT TO:<bob@x>
        C: BDAT 11 LAST
        C: text of B"""
C = """
        send C joe@x kim@x
        C: RSET
        C: MAIL FROM:<C@l.example>
        C: RCPT TO:<joe@x>
        C: RCPT TO:<kim@x>
        C: BDAT 11 LAST
        C: text of C"""
DATA_AFTER_ALL = """
        C: RSET
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 354 go on
        C: text of A
        C: .
        S: 250 taken
        = A delivered ann@x (final dot): 250 taken
        send D lea@x
        C: MAIL FROM:<D@l.example>
        C: RCPT TO:<lea@x>
        C: DATA"""
TRIED = """
        peer PIPELINING CHUNKING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: BDAT 11
        C: text of A"""

DIALOGUES = {
    "one line first; when BDAT is understood, a message goes in one flight with its envelope":
        PROVEN + B + """
        S: 250 ok
        S: 250 ok
        S: 250 taken
        = B delivered bob@x (final dot): 250 taken""",
    "the next one follows before the first is answered, behind RSET":
        PROVEN + B + C + """
        S: 250 ok
        S: 250 ok
        S: 250 B taken
        = B delivered bob@x (final dot): 250 B taken
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 250 C taken
        = C delivered joe@x+kim@x (final dot): 250 C taken""",
    "both are answered together":
        PROVEN + B + C + """
        S: 250 ok
        S: 250 ok
        S: 250 B taken
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 250 C taken
        = B delivered bob@x (final dot): 250 B taken
        = C delivered joe@x+kim@x (final dot): 250 C taken""",
    "no more than two are on the wire":
        PROVEN + B + C + """
        send D lea@x
        S: 250 ok
        S: 250 ok
        S: 250 B taken
        C: RSET
        C: MAIL FROM:<D@l.example>
        C: RCPT TO:<lea@x>
        C: BDAT 11 LAST
        C: text of D
        = B delivered bob@x (final dot): 250 B taken""",
    "the end of the trial and the next one are answered together": TRIED + """
        S: 250 ok
        S: 250 ok
        S: 250 11 octets
        C: BDAT 0 LAST
        send C joe@x
        C: RSET
        C: MAIL FROM:<C@l.example>
        C: RCPT TO:<joe@x>
        C: BDAT 11 LAST
        C: text of C
        S: 250 taken
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 250 taken
        = A delivered ann@x (final dot): 250 taken
        = C delivered joe@x (final dot): 250 taken""",
    "some recipients are refused, the others get it":
        PROVEN + C.replace("        C: RSET\n", "") + """
        S: 250 ok
        S: 550 5.1.1 no such user
        = C failed joe@x (RCPT): 550 5.1.1 no such user
        S: 250 ok
        S: 250 taken
        = C delivered kim@x (final dot): 250 taken
        send D lea@x
        C: MAIL FROM:<D@l.example>
        C: RCPT TO:<lea@x>
        C: BDAT 11 LAST
        C: text of D""",
    "all recipients are refused: the octets are read and refused, RSET before the next":
        PROVEN + B + """
        S: 250 ok
        S: 550 5.1.1 no such user
        S: 554 5.5.1 no valid recipients
        = B failed bob@x (RCPT): 550 5.1.1 no such user
        send D lea@x
        C: RSET
        C: MAIL FROM:<D@l.example>
        C: RCPT TO:<lea@x>
        C: BDAT 11 LAST
        C: text of D""",
    "all recipients are refused, and the octets taken all the same: that was nobody's":
        PROVEN + B + """
        S: 250 ok
        S: 450 later
        S: 250 taken
        = B deferred bob@x (RCPT): 450 later
        send D lea@x
        C: RSET
        C: MAIL FROM:<D@l.example>
        C: RCPT TO:<lea@x>
        C: BDAT 11 LAST
        C: text of D""",
    "all recipients are refused at the trial: it says nothing about BDAT": TRIED + """
        S: 250 ok
        S: 550 no
        S: 503 need RCPT
        = A failed ann@x (RCPT): 550 no
        send B bob@x
        C: RSET
        C: MAIL FROM:<B@l.example>
        C: RCPT TO:<bob@x>
        C: BDAT 11
        C: text of B""",
    "all recipients are refused, and the line taken: no message without readers": TRIED + """
        S: 250 ok
        S: 550 no
        S: 250 11 octets
        = A failed ann@x (RCPT): 550 no
        send B bob@x
        C: RSET
        C: MAIL FROM:<B@l.example>
        C: RCPT TO:<bob@x>
        C: BDAT 11 LAST
        C: text of B""",
    "a sender who is refused is about us, also for what is behind":
        PROVEN + B + C + """
        S: 550 5.7.1 not you
        = refused: 550 5.7.1 not you
        = B unfinished bob@x
        S: 503 need MAIL
        S: 503 need MAIL
        S: 250 ok
        S: 451 4.7.1 not now
        = C deferred joe@x+kim@x (MAIL): 451 4.7.1 not now
        S: 503 need MAIL
        S: 503 need MAIL
        S: 503 need MAIL
        send D lea@x
        C: RSET
        C: MAIL FROM:<D@l.example>
        C: RCPT TO:<lea@x>
        C: BDAT 11 LAST
        C: text of D""",
    "a message is refused, the one behind it taken": PROVEN + B + C + """
        S: 250 ok
        S: 250 ok
        S: 554 5.7.1 spam
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 250 taken
        = B deferred bob@x (final dot): 554 5.7.1 spam
        = C delivered joe@x+kim@x (final dot): 250 taken
        send D lea@x
        C: MAIL FROM:<D@l.example>
        C: RCPT TO:<lea@x>
        C: BDAT 11 LAST
        C: text of D""",
    "BDAT is not understood after all: DATA, on this connection": TRIED + """
        S: 250 ok
        S: 250 ok
        S: 502 5.5.2 what?""" + DATA_AFTER_ALL,
    "nor is it when it is refused for good": TRIED + """
        S: 250 ok
        S: 250 ok
        S: 551 5.7.1 Null BDAT request""" + DATA_AFTER_ALL,
    "who heard commands in the line has lost step, and nobody has the message": TRIED + """
        S: 250 ok
        S: 250 ok
        S: 500 what?
        S: 500 what?
        C: RSET
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: DATA
        = A unfinished ann@x
        = closed: not a reply that can come here: 500 what?""",
    "BDAT is not taken for now": TRIED + """
        S: 250 ok
        S: 250 ok
        S: 452 4.3.1 disk full
        = A deferred ann@x (DATA): 452 4.3.1 disk full
        send B bob@x
        C: RSET
        C: MAIL FROM:<B@l.example>
        C: RCPT TO:<bob@x>
        C: BDAT 11
        C: text of B""",
    "a whole message is not known as a command: both go by DATA": PROVEN + B + C + """
        S: 250 ok
        S: 250 ok
        S: 502 what?
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 550 no
        S: 503 what?
        C: RSET
        C: MAIL FROM:<B@l.example>
        C: RCPT TO:<bob@x>
        C: DATA
        = C failed kim@x (RCPT): 550 no
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 354 go on
        C: text of B
        C: .
        C: MAIL FROM:<C@l.example>
        C: RCPT TO:<joe@x>
        C: DATA
        S: 250 taken
        S: 250 ok
        S: 250 ok
        S: 354 go on
        C: text of C
        C: .
        = B delivered bob@x (final dot): 250 taken""",
    "a proxy that does not know it, while we stop: the message comes back": TRIED + """
        quit
        S: 250 ok
        S: 250 ok
        S: 502 what?
        C: QUIT
        = A unfinished ann@x""",
    "354 to BDAT": TRIED + """
        S: 250 ok
        S: 250 ok
        S: 354 go on
        = A unfinished ann@x
        = closed: not a reply that can come here: 354 go on""",
    "354 to BDAT LAST": PROVEN + B + """
        S: 250 ok
        S: 250 ok
        S: 354 go on
        = B unfinished bob@x, dot written
        = closed: not a reply that can come here: 354 go on""",
    "too many recipients: the rest goes next": PROVEN + C.replace("        C: RSET\n", "") + """
        S: 250 ok
        S: 250 ok
        S: 452 4.5.3 too many
        S: 250 taken
        C: MAIL FROM:<C@l.example>
        C: RCPT TO:<kim@x>
        C: BDAT 11 LAST
        C: text of C
        = C delivered joe@x (final dot): 250 taken""",
    "the connection is lost: who was refused is told, the others may have it":
        PROVEN + C.replace("        C: RSET\n", "").replace("joe@x kim@x", "joe@x kim@x lea@x")
        .replace("        C: BDAT", "        C: RCPT TO:<lea@x>\n        C: BDAT") + """
        send B bob@x
        C: RSET
        C: MAIL FROM:<B@l.example>
        C: RCPT TO:<bob@x>
        C: BDAT 11 LAST
        C: text of B
        S: 250 ok
        S: 550 no
        S: 452 4.5.3 too many
        = C failed joe@x (RCPT): 550 no
        lost gone
        = C unfinished kim@x
        = C unfinished lea@x, dot written
        = B unfinished bob@x, dot written
        = closed: gone""",
    "the connection is lost during the trial: certainly not taken": TRIED + """
        S: 250 ok
        lost gone
        = A unfinished ann@x
        = closed: gone""",
    "421 at RCPT: what comes behind it is not looked at": PROVEN + B + C + """
        S: 250 ok
        S: 421 4.3.2 shutting down
        = B unfinished bob@x (421)
        = C unfinished joe@x+kim@x (421)
        = closed at RCPT: 421 4.3.2 shutting down""",
    "421 at BDAT": PROVEN + B + C + """
        S: 250 ok
        S: 250 ok
        S: 421 4.7.0 throttled
        = B deferred bob@x (final dot): 421 4.7.0 throttled
        = C unfinished joe@x+kim@x (421)
        = closed at final dot: 421 4.7.0 throttled""",
    "421 at the trial": TRIED + """
        S: 250 ok
        S: 250 ok
        S: 421 4.3.2 later
        = A unfinished ann@x (421)
        = closed at DATA: 421 4.3.2 later""",
    "421 at RSET": PROVEN + B + C + """
        S: 250 ok
        S: 250 ok
        S: 250 taken
        S: 421 4.3.2 later
        = B delivered bob@x (final dot): 250 taken
        = C unfinished joe@x+kim@x (421)
        = closed: 421 4.3.2 later""",
    "QUIT after both are answered": PROVEN + B + C + """
        quit
        S: 250 ok
        S: 250 ok
        S: 250 taken
        = B delivered bob@x (final dot): 250 taken
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 250 ok
        S: 250 taken
        C: QUIT
        = C delivered joe@x+kim@x (final dot): 250 taken""",
    "LIMITS end the connection, and a trial that failed comes back": """
        peer PIPELINING CHUNKING LIMITS=MAILMAX=1
        send A ann@x
        C: MAIL FROM:<A@l.example>
        C: RCPT TO:<ann@x>
        C: BDAT 11
        C: text of A
        S: 250 ok
        S: 250 ok
        S: 502 what?
        C: QUIT
        = A unfinished ann@x""",
    "without PIPELINING it is not used": """
        peer CHUNKING
        send A ann@x
        C: MAIL FROM:<A@l.example>
        S: 250 ok
        C: RCPT TO:<ann@x>
        S: 250 ok
        C: DATA""",
}  # fmt: skip


@pytest.mark.parametrize("dialogue", DIALOGUES.values(), ids=DIALOGUES)
def test_dialogue(dialogue: str) -> None:
    play(dialogue)


LARGE = b"x" * 998 + b"\r\n"


@pytest.mark.parametrize(
    ("data", "dotless", "chunked"),
    [
        ((b"Subject: x\r\n\r\n", b"text\r\n"), True, True),
        ((b"Subject: x\r\n\r\n", b""), True, True),
        ((b"Subject: x\r\n\r\n..a dot\r\n",), False, False),
        ((b"Subject: x\r\n\r\n", LARGE * 65), True, True),
        ((b"Subject: x\r\n\r\n", LARGE * 66), True, False),
        ((b"Subject: ", b"x\r\n\r\n"), True, False),
    ],
    ids=["usual", "no body", "a dot", "64 KB", "larger", "no whole line"],
)
def test_what_goes_by_bdat(data: tuple[bytes, ...], dotless: bool, chunked: bool) -> None:
    """What has doubled dots goes by DATA, and what would be sent for nothing at some length."""
    pipeline = Pipeline(Offer(pipelining=True, chunking=True))
    pipeline.send(Transaction("A", "A@l.example", ("ann@x",), data, dotless=dotless))
    begun = b"".join(pipeline.output)
    assert (b"\r\nBDAT " in begun, begun.endswith(b"\r\nDATA\r\n")) == (chunked, not chunked)
    if chunked:
        pipeline.output.clear()
        pipeline.receive(b"250 ok\r\n" * 3)
        rest = b"".join(pipeline.output)
        line = b"Subject: x\r\n"
        size = len(b"".join(data)) - len(line)
        assert begun.endswith(b"BDAT %d\r\n%s" % (len(line), line))
        assert rest == b"BDAT %d LAST\r\n%s" % (size, b"".join(data)[len(line) :])
        pipeline.send(Transaction("B", "B@l.example", ("bob@x",), data, dotless=True))
        second = b"".join(pipeline.output)[len(rest) :]
        assert second.endswith(b"BDAT %d LAST\r\n%s" % (size + len(line), b"".join(data)))


def test_data_and_bdat_take_turns_on_one_connection() -> None:
    """RSET stands where a BDAT is unanswered, and nowhere else."""
    pipeline = proven()
    for key, dotless in (("B", False), ("C", True), ("D", False)):
        data = (f"text of {key}\r\n".encode(),)
        pipeline.send(Transaction(key, f"{key}@l.example", (f"{key}@x",), data, dotless=dotless))
    assert begins(pipeline) == [b"MAIL FROM:<B@l.example>"]
    pipeline.receive(b"250 ok\r\n250 ok\r\n354 go on\r\n")
    assert begins(pipeline) == [b"text of B", b".", b"MAIL FROM:<C@l.example>"]
    pipeline.receive(b"250 taken\r\n")
    assert begins(pipeline) == [b"RSET", b"MAIL FROM:<D@l.example>"]
    pipeline.receive(b"250 ok\r\n250 ok\r\n250 taken\r\n" + b"250 ok\r\n" * 3 + b"354 go on\r\n")
    assert begins(pipeline) == [b"text of D", b"."]
    pipeline.receive(b"250 taken\r\n")
    delivered = [event.key for event in pipeline.events if isinstance(event, Settled)]
    assert delivered == ["A", "B", "C", "D"]


def proven() -> Pipeline:
    """A is delivered over it, and BDAT understood."""
    pipeline = Pipeline(Offer(pipelining=True, chunking=True))
    pipeline.send(letter("A", "ann@x"))
    for replies in (b"250 ok\r\n" * 3, b"250 taken\r\n"):
        pipeline.receive(replies)
    pipeline.output.clear()
    return pipeline


def begins(pipeline: Pipeline) -> list[bytes]:
    """The lines written until the one with MAIL."""
    lines = b"".join(pipeline.output).split(b"\r\n")[:-1]
    pipeline.output.clear()
    mail = [at for at, line in enumerate(lines) if line.startswith(b"MAIL")]
    return lines[: mail[0] + 1] if mail else lines


FLIGHT_OF_C = len(b"RSET\r\nMAIL FROM:<C@l.example>\r\nRCPT TO:<joe@x>\r\nBDAT 11 LAST\r\n") + 11


@pytest.mark.parametrize(
    ("unsent", "written"),
    [
        (0, [True, True]),
        (1, [True, False]),
        (FLIGHT_OF_C, [True, False]),
        (FLIGHT_OF_C + 1, [False, False]),
    ],
)
def test_what_the_carrier_holds_back_nobody_can_have(unsent: int, written: list[bool]) -> None:
    pipeline = proven()
    pipeline.send(letter("B", "bob@x"))
    pipeline.send(letter("C", "joe@x"))
    pipeline.output.clear()
    pipeline.unsent = unsent
    pipeline.lost("gone")
    told = [event.dot_written for event in pipeline.events if isinstance(event, Unfinished)]
    assert told == written


def test_a_message_cannot_be_taken_before_all_of_it_was_written() -> None:
    pipeline = proven()
    pipeline.send(letter("B", "bob@x"))
    pipeline.output.clear()
    pipeline.unsent = 1
    pipeline.receive(b"250 ok\r\n250 ok\r\n250 taken\r\n")
    assert pipeline.events[1] == Unfinished("B", ("bob@x",), False)
    assert pipeline.closed


def test_the_reply_may_wait_for_the_whole_message() -> None:
    """Postfix answers MAIL and RCPT when it has read all that came with them."""
    pipeline = Pipeline(Offer(pipelining=True, chunking=True))
    pipeline.send(letter("A", "ann@x"))
    waits = [pipeline.wait]
    pipeline.receive(b"250 ok\r\n" * 3)
    waits.append(pipeline.wait)
    pipeline.receive(b"250 taken\r\n")
    pipeline.send(letter("B", "bob@x"))
    waits.append(pipeline.wait)
    assert waits == [Wait.COMMAND, Wait.DOT, Wait.DOT]


@pytest.mark.parametrize(
    ("replies", "refuses"),
    [
        (b"250 ok\r\n250 ok\r\n250 ok\r\n", False),
        (b"250 ok\r\n250 ok\r\n452 full\r\n", False),
        (b"250 ok\r\n550 no\r\n500 what?\r\n", False),
        (b"250 ok\r\n250 ok\r\n500 what?\r\n", True),
        (b"250 ok\r\n250 ok\r\n250 ok\r\n500 what?\r\n", False),
    ],
)
def test_it_is_known_who_offers_what_he_does_not_take(replies: bytes, refuses: bool) -> None:
    pipeline = Pipeline(Offer(pipelining=True, chunking=True))
    pipeline.send(letter("A", "ann@x"))
    pipeline.receive(replies)
    assert pipeline.refuses_chunks is refuses


CODES = st.sampled_from(["250"] * 12 + ["251", "354", "421", "450", "452 4.5.3", "502", "550"])


@given(
    st.lists(st.integers(1, 3), min_size=1, max_size=2),
    st.lists(CODES, min_size=1, max_size=12),
    st.sampled_from(["250", None]),
    st.integers(0, 12),
)
def test_replies_mean_the_same_however_they_are_cut(
    sizes: list[int], codes: list[str], all_well: str | None, cut: int
) -> None:
    owed = sum(sizes) + 2 * len(sizes) + (len(sizes) - 1)
    replies = [f"{all_well or code} {at}\r\n".encode() for at, code in enumerate(codes[:owed])]
    told = []
    for pieces in (
        [b"".join(replies)],
        [b"".join(replies[:cut]), b"".join(replies[cut:])],
        replies,
    ):
        pipeline = proven()
        for number, size in enumerate(sizes):
            pipeline.send(letter(str(number), *[f"r{n}@x" for n in range(size)]))
        pipeline.output.clear()
        written = b""
        for piece in pieces:
            pipeline.receive(piece)
            written += b"".join(pipeline.output)
            pipeline.output.clear()
        # What is written because of the same piece is not out yet when the connection is lost.
        events = [
            e._replace(dot_written=False) if isinstance(e, Unfinished) else e
            for e in pipeline.events
        ]
        told.append((written, events, pipeline.wait, pipeline.refuses_chunks))
    assert told[0] == told[1] == told[2]


def test_a_refused_message_blames_the_message() -> None:
    pipeline = proven()
    pipeline.send(letter("B", "bob@x"))
    pipeline.receive(b"250 ok\r\n250 ok\r\n554 5.7.1 spam\r\n")
    event = pipeline.events[-1]
    assert isinstance(event, Settled)
    assert (event.fate, event.stage) == (Fate.DEFERRED, Stage.DOT)
    assert event.blames_message
