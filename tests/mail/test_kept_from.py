"""Copies whose From stays the author's: where replies go, and which signatures are still good.

The author signs with dkimpy, as their provider would, and dkimpy is the receiver. From stays only
in a copy that passes DMARC by such a signature.
"""

import base64
import hashlib
import re

import dkim
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from listserv.mail.kept_signatures import LASTING_SECONDS
from listserv.mail.outgoing import KeptFrom, ListCopy, list_copy
from listserv.mail.parse import parse
from listserv.mail.surgery import Header, split
from tests.mail.building import HOSTNAME, NOW, OUR_ID, a_list, a_post, values
from tests.mail.signing import DOMAIN, FORM, KEY, SELECTOR, personal, verifies

PEM = KEY.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
VERIFIED = frozenset({DOMAIN})
SIGNED = ("from", "to", "subject", "date", "message-id")
FIELDS = (
    "Subject: Hello",
    "Date: Sat, 21 Nov 2026 07:00:00 +0000",
    "Message-ID: <1@example.org>",
)


ANN = ["Ann Lee <ann@example.org>"]
THE_LIST = ['"Ann Lee via support" <support@lists.example.org>']


def signed(
    *fields: str,
    names: tuple[str, ...] = SIGNED,
    body: str = "Hello all.\n",
    canonical: tuple[bytes, bytes] = (b"relaxed", b"relaxed"),
) -> bytes:
    """A post that its author's provider signed; d= is that of the tests' key."""
    raw = a_post(*FIELDS, *fields, body=body)
    author = dkim.DKIM(raw)
    author.should_not_sign = set()
    signature: bytes = author.sign(
        SELECTOR.encode(), DOMAIN.encode(), PEM, canonicalize=canonical,
        include_headers=[name.encode() for name in names],
    )  # fmt: skip
    assert verifies(signature + raw)
    return signature + raw


def digests(raw: bytes) -> frozenset[bytes]:
    """SHA-256 of the octets of each b=: what is known of a signature that proved the author."""
    fields = Header(split(raw).fields).all("DKIM-Signature")
    found = [re.search(r"\bb=([^;]*)", text) for text in fields]
    return frozenset(hashlib.sha256(base64.b64decode(one[1])).digest() for one in found if one)


def kept(
    raw: bytes,
    verified: frozenset[str] = VERIFIED,
    *,
    aligned: frozenset[bytes] | None = None,
    eight_bit: bool = True,
    **settings: object,
) -> ListCopy:
    known = KeptFrom(verified, digests(raw) if aligned is None else aligned)
    return list_copy(
        raw, parse(raw), a_list(**settings),  # type: ignore[arg-type]
        now=NOW, hostname=HOSTNAME, message_id=OUR_ID, kept=known, eight_bit=eight_bit,
    )  # fmt: skip


def whole(copy: ListCopy) -> bytes:
    return copy.head + b"\r\n" + copy.body


def is_rewritten(copy: ListCopy) -> bool:
    """Whether From is the list; then no signature of the author stays, or else one that is good
    for each of the copies."""
    is_ours = values(copy.head, "From") != ANN
    signatures = values(copy.head, "DKIM-Signature")
    assert bool(signatures) is not is_ours
    if not is_ours:
        assert verifies(whole(copy))
        assert verifies(copy.shared + FORM.sent(personal()) + b"\r\n" + copy.body)
    return is_ours


# by reply_to and the author's own Reply-To: what the copy says
REPLIES = {
    ("list", ""): ["support@lists.example.org"],
    ("list", "ann@home.test"): ["support@lists.example.org"],
    ("author", "ann@home.test"): ["ann@home.test"],
    ("author", ""): [],
}


@pytest.mark.parametrize(("reply_to", "own"), REPLIES)
def test_replies_go_where_the_table_says(reply_to: str, own: str) -> None:
    raw = signed(*([f"Reply-To: {own}"] if own else []), "Cc: bob@example.org")
    head = kept(raw, reply_to=reply_to).head
    assert values(head, "Reply-To") == REPLIES[reply_to, own]
    assert values(head, "From") == ANN
    assert values(head, "Cc") == ["bob@example.org"], "a From that stays is no reason to gain"
    assert values(head, "Sender") == []


# by what is special: the fields of the post, the names in h=, the list's settings
WHOLE = {
    "few fields": ((), SIGNED, {}),
    "fields that go and are not signed":
        (("Received: from her.phone.test ([192.0.2.7])", "X-Mailer: Phone"), SIGNED, {}),
    "as Microsoft signs": (
        ("Content-Type: text/plain", "MIME-Version: 1.0", "X-MS-Exchange-SenderADCheck: 1"),
        ("From", "Date", "Subject", "Message-ID", "Content-Type", "MIME-Version",
         "X-MS-Exchange-SenderADCheck"),
        {},
    ),
    "as Google signs for a company, replies to the author": (
        ("MIME-Version: 1.0", "Cc: bob@example.org"),
        ("to", "subject", "message-id", "date", "from", "mime-version", "from", "to", "cc", "cc",
         "subject", "date", "message-id", "reply-to"),
        {"reply_to": "author"},
    ),
    "a Reply-To that stays":
        (("Reply-To: ann@home.test",), (*SIGNED, "reply-to"), {"reply_to": "author"}),
    "a Sender that is not there and does not come": ((), (*SIGNED, "sender"), {}),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "names", "settings"), WHOLE.values(), ids=WHOLE.keys())
def test_from_stays_with_a_signature_that_our_edits_leave_whole(
    fields: tuple[str, ...], names: tuple[str, ...], settings: dict[str, str]
) -> None:
    copy = kept(signed(*fields, names=names), **settings)  # type: ignore[arg-type]
    assert not is_rewritten(copy)
    assert b"192.0.2.7" not in copy.head


@pytest.mark.parametrize("head", [b"simple", b"relaxed"])
@pytest.mark.parametrize("text", [b"simple", b"relaxed"])
@pytest.mark.parametrize("body", ["", "\n\n", " two  words \n\nno end"])
def test_every_way_to_canonicalise_stays_whole(head: bytes, text: bytes, body: str) -> None:
    assert not is_rewritten(kept(signed(body=body, canonical=(head, text))))


# by what the signature covers: the fields of the post, the names in h=
BROKEN = {
    "Reply-To, which becomes the list's": (("Reply-To: ann@home.test",), (*SIGNED, "reply-to")),
    "a Reply-To that is not there, and comes": ((), (*SIGNED, "reply-to")),
    "List-Id, which becomes ours": (("List-Id: <other.test>",), (*SIGNED, "list-id")),
    "a List-Unsubscribe that is not there, and comes": ((), (*SIGNED, "list-unsubscribe")),
    "Precedence, which comes": ((), (*SIGNED, "precedence")),
    "Received, of which only ours is left":
        (("Received: from her.phone.test ([192.0.2.7])",), (*SIGNED, "received")),
    "Sender, which goes": (("Sender: bob@example.org",), (*SIGNED, "sender")),
    "a field that goes": (("X-Originating-IP: 192.0.2.7",), (*SIGNED, "x-originating-ip")),
    "a second field of a name, which goes":
        (("Subject: And hello again",), (*SIGNED, "subject")),
}  # fmt: skip


@pytest.mark.parametrize(("fields", "names"), BROKEN.values(), ids=BROKEN.keys())
def test_from_is_rewritten_when_our_edits_break_what_is_signed(
    fields: tuple[str, ...], names: tuple[str, ...]
) -> None:
    assert is_rewritten(kept(signed(*fields, names=names)))


def test_of_two_signatures_the_whole_one_stays_and_the_broken_one_goes() -> None:
    raw = signed()
    more = dkim.sign(
        raw, SELECTOR.encode(), DOMAIN.encode(), PEM,
        include_headers=[b"from", b"subject", b"reply-to"],
    )  # fmt: skip
    copy = kept(more + raw)
    assert not is_rewritten(copy)
    assert digests(copy.head) == digests(raw)


def test_from_is_rewritten_when_nothing_is_signed() -> None:
    assert is_rewritten(kept(a_post(*FIELDS)))


def test_from_is_rewritten_when_the_signature_was_not_good_when_it_came() -> None:
    assert is_rewritten(kept(signed(), verified=frozenset({"else.test"})))


def test_from_is_rewritten_when_the_good_signature_is_not_the_authors() -> None:
    assert is_rewritten(kept(signed(), aligned=frozenset()))


def with_tag(tag: str) -> bytes:
    """A signed post with one more tag in its signature. It is not good any more, but that it was is
    known from when it came."""
    return signed().replace(b" d=", f" {tag} d=".encode(), 1)


def test_from_is_rewritten_when_other_signatures_are_signed_beside_which_ours_comes() -> None:
    raw = signed().replace(b" h=from", b" h=dkim-signature : from", 1)
    assert b"h=dkim-signature" in raw
    assert is_rewritten(kept(raw))


@pytest.mark.parametrize(
    ("seconds", "stays"), [(LASTING_SECONDS, True), (LASTING_SECONDS - 1, False), (0, False)]
)
def test_from_is_rewritten_when_the_signature_may_expire_on_the_way(
    seconds: int, stays: bool
) -> None:
    copy = kept(with_tag(f"x={int(NOW.timestamp()) + seconds};"))
    assert (values(copy.head, "From") == ANN) is stays


@pytest.mark.parametrize("expires", ["soon", "-1", "9" * 13, "\u0665"])
def test_a_time_that_is_none_is_no_time_to_last(expires: str) -> None:
    assert is_rewritten(kept(with_tag(f"x={expires};")))


def test_from_is_rewritten_when_a_line_of_the_body_is_too_long() -> None:
    raw = a_post(*FIELDS, body="x" * 1200 + "\n")
    signature = dkim.sign(raw, SELECTOR.encode(), DOMAIN.encode(), PEM)
    assert is_rewritten(kept(signature + raw))


def test_from_is_rewritten_when_the_relay_takes_no_eight_bit_text() -> None:
    raw = signed("Content-Type: text/plain; charset=utf-8", body="Gr\u00fc\u00dfe.\n")
    assert not is_rewritten(kept(raw))
    encoded = kept(raw, eight_bit=False)
    assert is_rewritten(encoded)
    assert encoded.body.isascii()
    assert not is_rewritten(kept(signed(), eight_bit=False))


def test_a_copy_that_is_rewritten_after_all_is_like_any_other() -> None:
    raw = signed("Cc: bob@example.org", names=(*SIGNED, "reply-to"))
    plain = list_copy(raw, parse(raw), a_list(), now=NOW, hostname=HOSTNAME, message_id=OUR_ID)
    assert kept(raw) == plain
    assert values(plain.head, "From") == THE_LIST
    assert values(plain.head, "DKIM-Signature") == []
    assert values(plain.head, "Cc") == ['bob@example.org, "Ann Lee" <ann@example.org>']


def test_an_address_in_utf8_that_stays_in_from_asks_for_smtputf8() -> None:
    raw = "From: ann\u00e9@example.org\r\nTo: support@lists.example.org\r\n\r\nHi.\r\n".encode()
    signature = dkim.sign(raw, SELECTOR.encode(), DOMAIN.encode(), PEM, include_headers=[b"from"])
    assert kept(signature + raw).utf8
