"""Copies whose From stays the author's: where replies go, and which signatures are still good.

The author signs with dkimpy, as their provider would, and dkimpy is the receiver.
"""

import dkim
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from listserv.mail.outgoing import KeptFrom, ListCopy, list_copy, seven_bit
from listserv.mail.parse import parse
from tests.mail.building import HOSTNAME, NOW, OUR_ID, a_list, a_post, values
from tests.mail.signing import DOMAIN, KEY, SELECTOR, verifies

PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
VERIFIED = frozenset({DOMAIN})
SIGNED = ("from", "to", "subject", "date", "message-id")
FIELDS = (
    "Subject: Hello",
    "Date: Sat, 21 Nov 2026 07:00:00 +0000",
    "Message-ID: <1@example.org>",
)


def signed(*fields: str, names: tuple[str, ...] = SIGNED, body: str = "Hello all.\n") -> bytes:
    """A post that its author's provider signed; d= is that of the tests' key."""
    raw = a_post(*FIELDS, *fields, body=body)
    include = [name.encode() for name in names]
    signature: bytes = dkim.sign(
        raw, SELECTOR.encode(), DOMAIN.encode(), PEM, include_headers=include
    )
    assert verifies(signature + raw)
    return signature + raw


def kept(raw: bytes, verified: frozenset[str] = VERIFIED, **settings: object) -> ListCopy:
    return list_copy(
        raw, parse(raw), a_list(**settings),  # type: ignore[arg-type]
        now=NOW, hostname=HOSTNAME, message_id=OUR_ID, kept=KeptFrom(verified),
    )  # fmt: skip


def whole(copy: ListCopy) -> bytes:
    return copy.head + b"\r\n" + copy.body


# by reply_to and the author's own Reply-To: what the copy says
REPLIES = {
    ("list", ""): ["support@lists.example.org"],
    ("list", "ann@home.test"): ["support@lists.example.org"],
    ("author", "ann@home.test"): ["ann@home.test"],
    ("author", ""): [],
}


@pytest.mark.parametrize(("reply_to", "own"), REPLIES)
def test_replies_go_where_the_table_says(reply_to: str, own: str) -> None:
    raw = a_post(*FIELDS, *([f"Reply-To: {own}"] if own else []), "Cc: bob@example.org")
    head = kept(raw, reply_to=reply_to).head
    assert values(head, "Reply-To") == REPLIES[reply_to, own]
    assert values(head, "From") == ["Ann Lee <ann@example.org>"]
    assert values(head, "Cc") == ["bob@example.org"], "a From that stays is no reason to gain"
    assert values(head, "Sender") == []


def test_a_signature_that_our_edits_leave_whole_is_good_at_the_receiver() -> None:
    copy = kept(signed("Received: from her.phone.test ([192.0.2.7])", "X-Mailer: Phone"))
    assert verifies(whole(copy))
    assert b"192.0.2.7" not in copy.head


# by what the signature covers: the fields of the post, the names in h=
BROKEN = {
    "Reply-To, which becomes the list's": (("Reply-To: ann@home.test",), (*SIGNED, "reply-to")),
    "a Reply-To that is not there, and comes": ((), (*SIGNED, "reply-to")),
    "List-Id, which becomes ours": (("List-Id: <other.test>",), (*SIGNED, "list-id")),
    "Sender, which goes": (("Sender: bob@example.org",), (*SIGNED, "sender")),
    "a field that goes": (("X-Originating-IP: 192.0.2.7",), (*SIGNED, "x-originating-ip")),
}


@pytest.mark.parametrize(("fields", "names"), BROKEN.values(), ids=BROKEN.keys())
def test_a_signature_that_our_edits_break_is_removed(
    fields: tuple[str, ...], names: tuple[str, ...]
) -> None:
    raw = signed(*fields, names=names)
    assert values(kept(raw).head, "DKIM-Signature") == []
    # With the field put back it would not verify: that is why it goes.
    assert not verifies(raw[: raw.index(b"From:")] + whole(kept(raw)))


def test_a_signature_that_was_not_good_when_it_came_is_removed() -> None:
    assert values(kept(signed(), verified=frozenset({"else.test"})).head, "DKIM-Signature") == []


def test_a_body_whose_lines_are_too_long_is_encoded_and_its_signature_removed() -> None:
    raw = a_post(*FIELDS, body="x" * 1200 + "\n")
    signature = dkim.sign(raw, SELECTOR.encode(), DOMAIN.encode(), PEM)
    assert values(kept(signature + raw).head, "DKIM-Signature") == []


def test_encoding_for_a_seven_bit_relay_removes_the_signature() -> None:
    copy = kept(signed("Content-Type: text/plain; charset=utf-8", body="Grüße.\n"))
    assert verifies(whole(copy))
    encoded = seven_bit(copy)
    assert values(encoded.head, "DKIM-Signature") == []
    assert encoded.body.isascii()


def test_with_from_rewritten_no_signature_of_the_author_stays() -> None:
    raw = signed()
    copy = list_copy(
        raw, parse(raw), a_list(), now=NOW, hostname=HOSTNAME, message_id=OUR_ID
    )  # fmt: skip
    assert values(copy.head, "DKIM-Signature") == []


def test_an_address_in_utf8_that_stays_in_from_asks_for_smtputf8() -> None:
    raw = "From: anné@example.org\r\nTo: support@lists.example.org\r\n\r\nHi.\r\n".encode()
    assert kept(raw).utf8
