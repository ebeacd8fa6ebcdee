"""Reports that are made, or broken, to harm: what the intake takes of them, and whom they score."""

import base64

import pytest

from listserv.domain.lists import MailingList
from listserv.domain.members import Member
from listserv.domain.replies import BARE_LINE_END
from listserv.smtp.data import DataBlock
from tests.flow.bouncing import sent_to, standing, weigh_all
from tests.flow.letters import ANN, BOB, CLEO
from tests.flow.world import World
from tests.mail.reporting import report

FAILED = f"Final-Recipient: rfc822; {BOB}\nAction: failed\nStatus: 5.1.1"
PLAIN = report(FAILED)
LINES = PLAIN.split(b"\r\n")
IN_BASE64 = (
    report("@", before="Content-Transfer-Encoding: base64\n")
    .partition(b"Reporting-MTA")[0]
    + base64.encodebytes(b"Reporting-MTA: dns; x\r\r" + FAILED.replace("\n", "\r").encode())
    .replace(b"\n", b"\r\n")
    + b"--=_b--\r\n"
)  # fmt: skip


def within(depth: int) -> bytes:
    """A report whose parts stand in so many multiparts."""
    head, _, body = PLAIN.partition(b"\r\n\r\n")
    head, _, kind = head.partition(b"Content-Type: ")
    inner = b"Content-Type: " + kind + b"\r\n\r\n" + body
    for level in range(depth):
        inner = (
            b"Content-Type: multipart/mixed; boundary=l%d\r\n\r\n--l%d\r\n%b\r\n--l%d--\r\n"
            % (level, level, inner, level)
        )  # fmt: skip
    return head + inner


# Name, the octets, whether the intake refuses them, whether the one scored is whose copy it was.
REPORTS: dict[str, tuple[bytes, bool, bool]] = {
    "as it should be": (PLAIN, False, True),
    "bare CR": (PLAIN.replace(b"\r\n", b"\r"), True, True),
    "bare LF": (PLAIN.replace(b"\r\n", b"\n"), True, True),
    "mixed line ends": (
        b"".join(line + (b"\r\n", b"\n", b"\r")[n // 2 % 3] for n, line in enumerate(LINES)),
        True, True,
    ),
    "bare CR in base64": (IN_BASE64, False, True),
    "within 10 parts": (within(10), False, True),
    "within 50 parts": (within(50), False, False),
    "within 400 parts": (within(400), False, False),
    "about others too": (
        report(FAILED.replace(BOB, CLEO), FAILED, FAILED.replace(BOB, ANN)), False, True,
    ),
    "about 5,000 others": (
        report(*(FAILED.replace("bob", f"m{n}") for n in range(5000))), False, True,
    ),
    "about nobody": (report("Action: failed"), False, True),
    "delayed": (report(FAILED.replace("failed", "delayed")), False, False),
    "delivered": (report(FAILED.replace("failed", "delivered")), False, False),
    "without a status": (report(), False, False),
    "5 MB of nothing": (report("x" * 60 + "\n" + "y: z\n" * 1_000_000), False, False),
    "a receipt": (
        PLAIN.replace(b"delivery-status", b"disposition-notification"), False, False,
    ),
    "cut off": (PLAIN[: PLAIN.index(b"Action")], False, False),
    "no mail at all": (b"\0\xff\r\n" * 1000, True, False),
}  # fmt: skip


@pytest.fixture
def town(world: World) -> MailingList:
    return world.found("town")


def test_what_is_made_to_harm_scores_one_or_nobody(world: World, town: MailingList) -> None:
    people: dict[str, Member] = {}
    for address in (ANN, BOB, CLEO):
        people[address] = world.join(town, address)
    for name, (raw, refused, scored) in REPORTS.items():
        block = DataBlock(largest=20_000_000, longest_line=1000, largest_header=100_000)
        block.feed(raw + b"\r\n.\r\n")
        assert block.flaw == (BARE_LINE_END if refused else None), name

        world.clock.pass_by(days=100)  # nobody is scored for what was
        world.post(ANN, "town")
        (copy,) = sent_to(world, BOB)
        before = len(world.sent)
        world.post("", copy.sender, raw=raw, sender="")
        weigh_all(world)
        scores = {address: standing(world, member).score for address, member in people.items()}
        assert scores == {ANN: 0, BOB: int(scored), CLEO: 0}, name
        world.deliver()
        assert len(world.sent) == before, name
