"""The program's own mail."""

import email
import email.header
from collections.abc import Mapping
from dataclasses import replace

import pytest

from listserv.domain.address import Address
from listserv.mail.notices import Frame, write_notice
from tests.mail.building import NOW, fields_of

FRAME = Frame(
    sender_name="Support & Co",
    sender="support-request@lists.example.org",
    to=Address("ann", "example.org"),
    reply_to=None,
    message_id="<1@lists.example.org>",
    date=NOW,
)


class Words:
    """One template whose text is given, with {value} filled in."""

    def __init__(self, text: str) -> None:
        self.text = text

    def render(self, name: str, values: Mapping[str, object], language: str = "en") -> str:
        assert name == "a-notice.txt"
        return self.text.format_map(values)

    def phrase(self, key: str, values: Mapping[str, object], language: str = "en") -> str:
        raise KeyError(key)


def _notice(text: str, frame: Frame = FRAME, **given: object) -> bytes:
    return write_notice(Words(text), "a-notice.txt", frame, given)


def _parts(raw: bytes) -> tuple[bytes, bytes]:
    head, _, body = raw.partition(b"\r\n\r\n")
    return head + b"\r\n", body


def test_a_notice_is_a_whole_message() -> None:
    raw = _notice("Subject: Hello {name}\n\nDear {name},\n\nwelcome.\n", name="Ann")
    assert raw == (
        b'From: "Support & Co" <support-request@lists.example.org>\r\n'
        b"To: ann@example.org\r\n"
        b"Subject: Hello Ann\r\n"
        b"Date: Sat, 21 Nov 2026 07:00:00 +0000\r\n"
        b"Message-ID: <1@lists.example.org>\r\n"
        b"Auto-Submitted: auto-generated\r\n"
        b"X-Auto-Response-Suppress: OOF, AutoReply, DR, RN, NRN\r\n"
        b"MIME-Version: 1.0\r\n"
        b"Content-Type: text/plain; charset=utf-8\r\n"
        b"Content-Transfer-Encoding: 7bit\r\n"
        b"\r\n"
        b"Dear Ann,\r\n\r\nwelcome.\r\n"
    )


def test_an_answer_says_so_and_what_it_answers() -> None:
    frame = replace(
        FRAME, answers=True, in_reply_to="<9@example.org>", reply_to="x@lists.example.org"
    )
    message = email.message_from_bytes(_notice("Subject: x\n\ny\n", frame))
    assert message["Auto-Submitted"] == "auto-replied"
    assert message["In-Reply-To"] == message["References"] == "<9@example.org>"
    assert message["Reply-To"] == "x@lists.example.org"


def test_text_that_is_not_ascii_goes_out_quoted_printable() -> None:
    text = "Grüße an {name}, " + "sehr lang " * 30 + "\n-- \n.\nEnde = aus"
    raw = _notice("Subject: Grüße {name}\n\n" + text, name="Jörg")
    message = email.message_from_bytes(raw)
    assert raw.isascii()
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert message["Content-Transfer-Encoding"] == "quoted-printable"
    body = message.get_payload(decode=True)
    assert isinstance(body, bytes)
    said = [line.rstrip() if line != "-- " else line for line in text.split("\n")]
    assert body.decode().splitlines() == [line.format(name="Jörg") for line in said]
    assert str(email.header.make_header(email.header.decode_header(message["Subject"]))) == (
        "Grüße Jörg"
    )


def test_a_line_too_long_for_mail_goes_out_quoted_printable() -> None:
    raw = _notice("Subject: x\n\n" + "y" * 5000)
    assert max(map(len, raw.split(b"\r\n"))) <= 78
    assert email.message_from_bytes(raw).get_payload(decode=True) == b"y" * 5000 + b"\r\n"


@pytest.mark.parametrize(
    "value", ["a\nBcc: evil@x", "a\r\nBcc: evil@x", "a\rBcc: e@x", "a\x0bBcc: e@x", "a\u2028Bcc: e"]
)
def test_no_value_makes_a_header_field(value: str) -> None:
    head, _ = _parts(_notice("Subject: {v}\n\n{v}\n", replace(FRAME, sender_name=value), v=value))
    names = [name for name, _ in fields_of(head)]
    assert "bcc" not in names
    assert len(names) == 10


def test_a_value_with_an_empty_line_only_moves_text_into_the_body() -> None:
    head, body = _parts(_notice("Subject: {v}\n\nhello\n", v="a\n\nBcc: evil@x"))
    assert len(fields_of(head)) == 10
    assert body == b"Bcc: evil@x\r\n\r\nhello\r\n"


def test_controls_in_a_value_do_not_reach_a_terminal() -> None:
    _, body = _parts(_notice("Subject: x\n\n{v}\n", v="a\x1b[31mb\x07\x00\x9b\udcff\tc\rd"))
    assert body == b"a[31mb\tc\r\nd\r\n"


def test_an_address_that_is_not_ascii_is_written_as_it_is() -> None:
    raw = _notice("Subject: x\n\ny\n", replace(FRAME, to=Address("jörg", "example.org")))
    assert "To: jörg@example.org\r\n".encode() in raw


@pytest.mark.parametrize("text", ["", "Hello\n\nall\n", "Subject: x", "Subject: x\nhello\n"])
def test_a_template_that_has_no_subject_is_our_own_mistake(text: str) -> None:
    with pytest.raises(ValueError, match=r"template a-notice\.txt begins with Subject:"):
        _notice(text)
