"""The list's copy: what stays of the author's header, and what ours say."""

import email.header
import email.utils
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv.mail.outgoing import list_copy
from listserv.mail.parse import parse
from tests.mail.building import (
    HOSTNAME,
    NOW,
    OUR_ID,
    a_list,
    a_post,
    copy_of,
    crlf,
    fields_of,
    values,
)

ANN = "ann@example.org"
LIST = "support@lists.example.org"


def _addresses(head: bytes, name: str) -> list[str]:
    return [address for _, address in email.utils.getaddresses(values(head, name))]


def test_the_body_stays_byte_for_byte() -> None:
    body = b"8 bit \xff\r\n.\r\n..\r\nFrom me\r\n trailing \r\nlong " + b"x" * 900 + b"\n\r\r\n"
    copy = copy_of(a_post() + body)
    assert copy.body == b"Hello all.\r\n" + body


ODD_FIELDS = [
    "Cc: mary",
    "Cc: mary, bob@",
    "X-Folded: a\r\n\tb\r\n c",
    "X-Strange:value",
    "x-lower:  two spaces ",
    "X-8-bit: Gr\udcfc\udcdfe",
    "In-Reply-To: Your message of Friday",
    "References: <a@b>\r\n\t<c@d>",
    'Content-Type: text/plain; charset = "UTF-8" (comment)',
    "MIME-Version: 1.0 (Some program)",
    "Date: yesterday",
    "Message-ID: no brackets",
]


@pytest.mark.parametrize("field", ODD_FIELDS)
def test_odd_fields_pass_byte_for_byte(field: str) -> None:
    octets = field.encode("utf-8", "surrogateescape") + b"\r\n"
    copy = copy_of(b"From: ann@example.org\r\n" + octets + b"\r\nhello\r\n")
    assert b"\r\n" + octets in copy.head


def test_the_fields_that_stay_keep_their_order() -> None:
    raw = a_post("X-B: 1", "Subject: x", "X-A: 2", "Date: now", "X-B: 3", "Message-ID: <a@b>")
    names = [name for name, _ in fields_of(copy_of(raw, reply_to="author").head)]
    assert names[:9] == [
        "received", "from", "reply-to", "to", "x-b", "subject", "x-a", "date", "x-b"]  # fmt: skip


SINGLETONS = ["From", "Reply-To", "To", "Cc", "Subject", "Date", "Message-ID", "In-Reply-To",
              "References", "MIME-Version", "Content-Type", "Content-Transfer-Encoding", "List-Id",
              "Precedence", "List-Post", "Auto-Submitted"]  # fmt: skip


@pytest.mark.parametrize("name", SINGLETONS)
@pytest.mark.parametrize("reply_to", ["list", "author"])
def test_there_is_exactly_one_of_a_field_that_may_stand_once(name: str, reply_to: str) -> None:
    raw = a_post(*(f"{given}: {n}@example.org" for n in "abc" for given in (name, name.upper())))
    assert len(values(copy_of(raw, reply_to=reply_to, subject_prefix="[x]").head, name)) == 1


@settings(deadline=None)
@given(
    st.lists(st.sampled_from([*SINGLETONS, "Sender", "X-Any", "Bcc", "Resent-From"]), max_size=20),
    st.text(max_size=10),
    st.sampled_from(["list", "author"]),
    st.sampled_from(["", "[x]", "[ü]"]),
    st.sampled_from(["", "-- \nfoot $title"]),
)
def test_any_post_makes_a_sound_copy(
    names: list[str], value: str, reply_to: str, prefix: str, footer: str
) -> None:
    raw = b"".join(f"{name}: {value}\r\n".encode("utf-8", "replace") for name in names)
    copy = copy_of(raw + b"\r\nhello\r\n", reply_to=reply_to, subject_prefix=prefix, footer=footer)
    found = [name for name, _ in fields_of(copy.head)]
    for name in SINGLETONS:
        assert found.count(name.lower()) <= 1
    assert {"received", "from", "date", "message-id", "list-id"} <= set(found)
    assert not {"sender", "bcc", "resent-from"} & set(found)


@settings(deadline=None, max_examples=300)
@given(st.binary())
def test_any_bytes_make_a_sound_copy(raw: bytes) -> None:
    copy = copy_of(raw, subject_prefix="[ü]", footer="-- \nfüße")
    fields_of(copy.head)
    assert copy.eight_bit == any(octet > 127 for octet in copy.head + copy.body)


def test_date_and_message_id_are_added_only_when_missing() -> None:
    head = copy_of(a_post("Date:", "Message-ID: ")).head
    assert values(head, "Date") == ["Sat, 21 Nov 2026 07:00:00 +0000"]
    assert values(head, "Message-ID") == [OUR_ID]
    head = copy_of(a_post("Date: Fri, 1 Jan 2027 00:00:00 +0000", "Message-ID: <1@a.b>")).head
    assert values(head, "Date") == ["Fri, 1 Jan 2027 00:00:00 +0000"]
    assert values(head, "Message-ID") == ["<1@a.b>"]


def test_one_received_field_tells_of_us_and_of_no_client() -> None:
    raw = a_post("Received: from [192.0.2.1] (helo=laptop) by mx.example.org; then")
    assert values(copy_of(raw).head, "Received") == [
        f"by {HOSTNAME} (listserv); Sat, 21 Nov 2026 07:00:00 +0000"
    ]


NAMES = {
    "Ann Lee <ann@example.org>": "Ann Lee via Support & Co",
    "ann@example.org": "ann via Support & Co",
    '"boss@bank.example" <ann@example.org>': "ann via Support & Co",
    "=?utf-8?q?J=C3=B6rg?= <j@example.org>": "Jörg via Support & Co",
    '"Ann \\"Q\\" Lee" <ann@example.org>': 'Ann "Q" Lee via Support & Co',
    '"Ann Lee via Support & Co" <ann@example.org>': "Ann Lee via Support & Co",
    "a@example.org, b@example.org": "Support & Co",
    "nobody": "Support & Co",
}


@pytest.mark.parametrize("author", NAMES)
def test_from_is_the_list_in_the_name_of_the_author(author: str) -> None:
    head = copy_of(a_post(f"From: {author}", ann=False), title="Support & Co").head
    (line,) = values(head, "From")
    name, address = email.utils.parseaddr(line)
    decoded = email.header.decode_header(name)[0][0]
    shown = decoded.decode() if isinstance(decoded, bytes) else decoded
    assert (shown, address) == (NAMES[author], LIST)


def test_a_list_without_title_has_its_name() -> None:
    assert values(copy_of(a_post()).head, "From") == [f'"Ann Lee via support" <{LIST}>']


class TestRepliesToTheList:
    """reply_to=list: Reply-To is the list, and Cc gains the author."""

    def test_the_author_can_be_answered_in_private(self) -> None:
        head = copy_of(a_post("Reply-To: other@example.org")).head
        assert values(head, "Reply-To") == [LIST]
        assert values(head, "Cc") == ['"Ann Lee" <ann@example.org>']

    @pytest.mark.parametrize(
        "field",
        ["Cc: Bob <bob@example.net>", "Cc: bob@example.net,", "Cc: bob@example.net\n ,\n "],
    )
    def test_the_author_is_put_behind_those_in_cc(self, field: str) -> None:
        head = copy_of(a_post(field)).head
        assert _addresses(head, "Cc") == ["bob@example.net", ANN]

    def test_an_empty_cc_is_filled(self) -> None:
        assert _addresses(copy_of(a_post("Cc:", "X: y")).head, "Cc") == [ANN]

    def test_a_folded_cc_keeps_its_bytes(self) -> None:
        head = copy_of(a_post("Cc: Bob <bob@example.net>,\n\tCid <cid@example.net>")).head
        kept = b'Cc: Bob <bob@example.net>,\r\n\tCid <cid@example.net>,\r\n "Ann Lee" <ann@'
        assert kept in head

    @pytest.mark.parametrize(
        "field", ["To: ann@example.org", "Cc: Ann <ANN@example.ORG>", "Cc: us: ann@example.org;"]
    )
    def test_who_stands_in_to_or_cc_is_not_put_there_again(self, field: str) -> None:
        head = copy_of(crlf(f"From: ann@example.org\n{field}\n\nhello")).head
        assert field.encode() + b"\r\n" in head
        assert len(_addresses(head, "To") + _addresses(head, "Cc")) == 1

    def test_a_cc_that_cannot_be_read_is_left_alone(self) -> None:
        long = "Cc: " + ", ".join(["bob@example.net"] * 1000)
        for field in ("Cc: mary", 'Cc: "Bob <bob@example.net>', long):
            assert values(copy_of(a_post(field)).head, "Cc") == [field.removeprefix("Cc: ")]

    @pytest.mark.parametrize("author", ["a@b.example, c@d.example", "mary", f"<{LIST}>"])
    def test_without_one_author_cc_gains_nobody(self, author: str) -> None:
        assert values(copy_of(a_post(f"From: {author}", ann=False)).head, "Cc") == []

    def test_an_author_whose_address_is_not_ascii_stays_out_so_that_all_can_get_the_copy(
        self,
    ) -> None:
        copy = copy_of(a_post("From: Jörg <jörg@example.org>", ann=False))
        assert values(copy.head, "Cc") == []
        assert (copy.utf8, copy.eight_bit) == (False, False)


class TestRepliesToTheAuthor:
    """reply_to=author: Reply-To is the author's own, else their From; Cc gains nobody."""

    @pytest.mark.parametrize(
        "own", ["Reply-To: Other <other@example.org>", "reply-to:a@b.example,\n c@d.example"]
    )
    def test_the_authors_own_reply_to_stays(self, own: str) -> None:
        head = copy_of(a_post(own), reply_to="author").head
        assert crlf(own) + b"\r\n" in head
        assert len(values(head, "Reply-To")) == 1
        assert values(head, "Cc") == []

    @pytest.mark.parametrize(
        "own", ["X: y", "Reply-To:", "Reply-To: mary", "Reply-To: " + "<" * 9000]
    )
    def test_without_one_that_names_somebody_it_is_from(self, own: str) -> None:
        head = copy_of(a_post(own), reply_to="author").head
        assert values(head, "Reply-To") == ['"Ann Lee" <ann@example.org>']

    def test_without_an_author_there_is_none(self) -> None:
        head = copy_of(a_post("From: mary", ann=False), reply_to="author").head
        assert values(head, "Reply-To") == []

    def test_an_address_that_is_not_ascii_asks_for_smtputf8(self) -> None:
        copy = copy_of(a_post("From: Jörg <jörg@example.org>", ann=False), reply_to="author")
        assert "=?utf-8?b?SsO2cmc=?= <jörg@example.org>".encode() in copy.head
        assert (copy.utf8, copy.eight_bit) == (True, True)


UTF8 = {
    "Cc: jörg@example.org": True,
    "Cc: Jörg <j@example.org>": False,
    "Cc: j@bücher.example": True,
    "Subject: Grüße an jörg@example.org": False,
    "Subject: hello": False,
}


@pytest.mark.parametrize("field", UTF8)
def test_only_an_address_that_is_not_ascii_needs_smtputf8(field: str) -> None:
    assert copy_of(a_post(field), reply_to="author").utf8 is UTF8[field]


def test_a_title_that_is_not_ascii_needs_nothing_special() -> None:
    copy = copy_of(a_post(), title="Für Angehörige")
    assert (copy.utf8, copy.eight_bit) == (False, False)


def test_eight_bit_text_is_told() -> None:
    assert copy_of(a_post(body="Grüße\n")).eight_bit
    assert copy_of(a_post("X: Grüße")).eight_bit


def test_the_fields_of_the_list_name_its_addresses() -> None:
    head = copy_of(a_post(), title="Support & Co").head
    assert {name: values(head, name) for name in ("List-Id", "List-Help", "List-Unsubscribe",
            "List-Subscribe", "List-Post", "List-Owner", "Precedence",
            "X-Auto-Response-Suppress")} == {
        "List-Id": ['"Support & Co" <support.lists.example.org>'],
        "List-Help": ["<mailto:support-request@lists.example.org?subject=help>"],
        "List-Unsubscribe": ["<mailto:support-leave@lists.example.org>"],
        "List-Subscribe": ["<mailto:support-join@lists.example.org>"],
        "List-Post": ["<mailto:support@lists.example.org>"],
        "List-Owner": ["<mailto:support-owner@lists.example.org>"],
        "Precedence": ["list"],
        "X-Auto-Response-Suppress": ["OOF, AutoReply, DR, RN, NRN"],
    }  # fmt: skip


def test_an_announce_list_takes_no_posts() -> None:
    assert values(copy_of(a_post(), posting="moderators").head, "List-Post") == ["NO"]


def test_another_lists_fields_go() -> None:
    raw = a_post(
        "List-Id: <other.example.net>", "List-Archive: <http://x>", "List-Post: <mailto:x>"
    )
    head = copy_of(raw).head
    assert values(head, "List-Id") == ['"support" <support.lists.example.org>']
    assert values(head, "List-Archive") == []


def test_a_list_id_has_at_most_255_octets_and_keeps_its_identifier() -> None:
    head = copy_of(a_post(), title="字" * 80).head
    assert values(head, "List-Id") == ["<support.lists.example.org>"]


def test_the_list_id_stays_when_the_list_gets_a_new_name() -> None:
    renamed = replace(a_list("support"), name="help")
    head = copy_of(a_post(), renamed).head
    assert values(head, "List-Id") == ['"help" <support.lists.example.org>']
    assert values(head, "List-Post") == ["<mailto:help@lists.example.org>"]


SUBJECTS = {
    "Subject: hello": "Subject: [town] hello",
    "Subject: Re: [town] hello": "Subject: Re: [town] hello",
    "X: y": "Subject: [town] (no subject)",
    "Subject:": "Subject: [town] (no subject)",
    "Subject:\nSubject: hello": "Subject: [town] hello",
}


@pytest.mark.parametrize("field", SUBJECTS)
def test_the_subject_gets_the_prefix(field: str) -> None:
    head = copy_of(a_post(field), subject_prefix="[town]").head
    assert [raw for name, raw in fields_of(head) if name == "subject"] == [
        SUBJECTS[field].encode() + b"\r\n"
    ]


def test_without_a_prefix_a_missing_subject_stays_missing() -> None:
    assert values(copy_of(a_post()).head, "Subject") == []


def test_a_line_that_is_no_field_ends_the_header_in_the_copy_too() -> None:
    copy = copy_of(b"From: ann@example.org\r\nHi all\r\nApproved: x\r\n")
    assert copy.body == b"Hi all\r\nApproved: x\r\n"
    fields_of(copy.head)


def test_the_same_post_makes_the_same_copy() -> None:
    raw = a_post("Cc: bob@example.net", "Subject: x")
    mlist = a_list(subject_prefix="[x]", footer="foot")
    made = [
        list_copy(raw, parse(raw), mlist, now=NOW, hostname=HOSTNAME, message_id=OUR_ID)
        for _ in range(2)
    ]
    assert made[0] == made[1]


def test_posting_a_copy_on_adds_nothing_to_it() -> None:
    """A copy that comes back by a detour keeps one prefix and one footer's worth of header."""
    once = copy_of(a_post("Subject: x"), subject_prefix="[x]")
    again = copy_of(once.head + b"\r\n" + once.body, subject_prefix="[x]")
    assert values(again.head, "Subject") == ["[x] x"]
    assert len(fields_of(again.head)) == len(fields_of(once.head))
