"""What goes on to the people behind a role address."""

import email
from email.message import Message

import pytest

from listserv.mail.parse import parse
from listserv.mail.role_copy import LARGEST_ATTACHMENT, Envelope, role_copy
from tests.mail.building import NOW, OUR_ID, crlf

OWNERS = Envelope("town-owner@lists.example.org", "Our Town", OUR_ID, NOW)
BIG = "QUJD" * 19 + "\n"
PHOTO = BIG * (LARGEST_ATTACHMENT // len(BIG) + 1)


def copy(raw: bytes) -> tuple[bytes, Message]:
    made = role_copy(raw, parse(raw), OWNERS, lambda kind, size: f"[{kind} left out: {size}]")
    assert made.isascii() and made.endswith(b"\r\n")
    assert all(len(line) <= 998 for line in made.split(b"\r\n"))
    return made, email.message_from_bytes(made)


def mail(*fields: str, body: str = "Please help.\n") -> bytes:
    start = ["From: Bob Poe <bob@example.net>", "To: town-owner@lists.example.org"]
    return crlf("\n".join([*start, *fields]) + "\n\n" + body)


def test_it_comes_from_the_role_and_is_answered_to_the_writer() -> None:
    _, read = copy(mail("Subject: Help", "Message-ID: <1@example.net>", "In-Reply-To: <0@a.test>"))
    assert read["From"] == '"Bob Poe via Our Town" <town-owner@lists.example.org>'
    assert read["Reply-To"] == "bob@example.net"
    assert (read["Subject"], read["Message-ID"]) == ("Help", OUR_ID)
    assert read["In-Reply-To"] == "<0@a.test>"
    assert read.get_payload() == "Please help.\r\n"


def test_nothing_else_of_the_header_goes_on() -> None:
    made, _ = copy(
        mail("Received: from phone ([192.0.2.7])", "X-Spam: no", "DKIM-Signature: v=1; b=x",
             "Sender: eve@evil.test", "List-Id: <other.test>", "Bcc: x@example.net")
    )  # fmt: skip
    for word in (b"192.0.2.7", b"X-Spam", b"DKIM", b"evil", b"other.test", b"Bcc"):
        assert word not in made


@pytest.mark.parametrize(
    "sender", ["From: bob@x.test <eve@evil.test>", 'From: "bob@x.test" <eve@evil.test>', "From: x"]
)
def test_a_name_that_is_an_address_is_not_shown(sender: str) -> None:
    raw = crlf(f"{sender}\nSubject: x\n\nHi.\n")
    assert copy(raw)[1]["From"] == '"Our Town" <town-owner@lists.example.org>'


def test_letters_beyond_ascii_arrive_in_seven_bits() -> None:
    _, read = copy(mail("Content-Type: text/plain; charset=utf-8", body="Grüße\n"))
    text = read.get_payload(decode=True)
    assert isinstance(text, bytes) and text.decode("utf-8") == "Grüße\r\n"


def two_parts(photo: str) -> bytes:
    return mail(
        "MIME-Version: 1.0", "Content-Type: multipart/mixed; boundary=b",
        body=f"--b\nContent-Type: text/plain\n\nLook.\n--b\nContent-Type: image/jpeg\n"
        f"Content-Transfer-Encoding: base64\n\n{photo}--b\nContent-Type: text/plain\n\nEnd.\n"
        "--b--\n",
    )  # fmt: skip


def test_a_large_attachment_is_left_out_and_a_small_one_goes_on() -> None:
    _, small = copy(two_parts(BIG))
    assert [part.get_content_type() for part in small.walk()][1:] == [
        "text/plain", "image/jpeg", "text/plain",
    ]  # fmt: skip
    made, large = copy(two_parts(PHOTO))
    parts = list(large.walk())[1:]
    assert [part.get_content_type() for part in parts] == ["text/plain"] * 3
    assert [str(part.get_payload()).strip() for part in parts][::2] == ["Look.", "End."]
    assert "[image/jpeg left out: " in str(parts[1].get_payload())
    assert len(made) < 2_000


def test_a_mail_that_is_one_large_attachment_says_so() -> None:
    raw = mail(
        "MIME-Version: 1.0", "Content-Type: application/pdf",
        "Content-Transfer-Encoding: base64", "Content-Description: x", body=PHOTO,
    )  # fmt: skip
    _, read = copy(raw)
    assert read.get_content_type() == "text/plain"
    assert str(read.get_payload()).startswith("[application/pdf left out: ")
    assert read["Content-Description"] is None
