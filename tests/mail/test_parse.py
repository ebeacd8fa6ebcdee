"""What the program reads in a message."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv.domain.post import Post
from listserv.mail.parse import MAX_SHORT, parse
from tests.mail.building import a_post, crlf


def test_an_ordinary_post_is_read_whole() -> None:
    raw = a_post(
        "Received: from a by b",
        "Received: from c by d",
        "Cc: Bob <bob@example.net>, support@lists.example.org",
        "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=",
        "Date: Sat, 21 Nov 2026 08:00:00 +0100",
        "Message-ID: <1@example.org>",
        "List-Id: Another list <Other.Lists.example.net>",
        body="\nHello all.\n\nAnn\n",
    )
    post = parse(raw)
    assert post.author is not None
    assert (post.author.name, str(post.author.address)) == ("Ann Lee", "ann@example.org")
    assert post.from_fields == 1
    assert post.subject == "Grüße"
    assert post.date == "Sat, 21 Nov 2026 08:00:00 +0100"
    assert post.message_id == "<1@example.org>"
    assert list(map(str, post.to_cc)) == ["support@lists.example.org", "bob@example.net"]
    assert post.list_ids == ("other.lists.example.net",)
    assert post.received == 2
    assert (post.auto_submitted, post.automatic, post.spam) == ("", "", False)
    assert (post.has_text, post.has_attachment) == (True, False)
    assert (post.first_line, post.text_lines) == ("Hello all.", 2)
    assert post.size == len(raw)
    assert post.defects == ()


AUTHORS: dict[str, tuple[list[str], int, list[str]]] = {
    "one": (["From: Ann <ann@example.org>"], 1, ["ann@example.org"]),
    "none": ([], 0, []),
    "an empty field": (["From:"], 1, []),
    "two in one field": (["From: a@b.example, c@d.example"], 1, ["a@b.example", "c@d.example"]),
    "two fields": (
        ["From: a@b.example", "From: c@d.example"],
        2,
        ["a@b.example", "c@d.example"],
    ),
    "a second field with a space": (
        ["From: a@b.example", "From : c@d.example"],
        2,
        ["a@b.example", "c@d.example"],
    ),
    "a second field that is empty": (["From: a@b.example", "From:"], 2, ["a@b.example"]),
    "a group": (["From: friends: a@b.example;"], 1, []),
    "a name that could be an address": (["From: a@b.example <c@d.example>"], 1, []),
    "an encoded address": (["From: =?utf-8?q?a=40b.example?="], 1, []),
    "one good and one odd": (["From: a@b.example, mary"], 1, []),
}


@pytest.mark.parametrize("case", AUTHORS)
def test_there_is_one_author_only_where_there_is_one_reading(case: str) -> None:
    fields, count, authors = AUTHORS[case]
    post = parse(a_post(*fields, "X: y", ann=False))
    assert post.from_fields == count
    assert [str(author.address) for author in post.authors] == authors
    assert (post.author is not None) == (case == "one")


def test_an_author_has_no_line_breaks_in_the_name() -> None:
    raw = a_post("From: =?utf-8?q?Ann=0D=0ABcc=3A_evil=40x?= <ann@example.org>", ann=False)
    (author,) = parse(raw).authors
    assert author.name == "Ann Bcc: evil@x"


IDS = {
    "Message-ID: <a@b>": "<a@b>",
    "Message-ID:\n <a@b>": "<a@b>",
    "Message-ID: <a@b> (comment) <c@d>": "<a@b>",
    "Message-ID: a@b": "a@b",
    "Message-ID: <a@b": "<a@b",
    "Message-ID: <[a]@b> x": "<[a]@b>",
    "Message-ID:": "",
    "Message-ID:\nMessage-ID: <a@b>": "<a@b>",
    "X: y": "",
}


@pytest.mark.parametrize("field", IDS)
def test_the_message_id_is_read_as_it_stands(field: str) -> None:
    assert parse(a_post(field)).message_id == IDS[field]


LIST_IDS = {
    "List-Id: <A.b.example>": ("a.b.example",),
    'List-Id: "The <best> list" < a.b.example >': ("best",),
    "List-Id: a.b.example": ("a.b.example",),
    "List-Id: <a.example>\nList-ID: <b.example>": ("a.example", "b.example"),
    "X: y": (),
}


@pytest.mark.parametrize("field", LIST_IDS)
def test_every_list_id_is_seen(field: str) -> None:
    assert parse(a_post(field)).list_ids == LIST_IDS[field]


SPAM = {
    "X-Spam: yes": True,
    "X-Spam: YES": True,
    "x-spam: yes, score=9": True,
    "X-Spam: yesterday": False,
    "X-Spam: no": False,
    "X-Spam: no\nX-Spam: yes": True,
    "X-Spam-Flag: YES": True,
    "X-Spam-Flag: NO": False,
    "Subject: x": False,
}


@pytest.mark.parametrize("field", SPAM)
def test_a_filters_header_is_seen(field: str) -> None:
    assert parse(a_post(field)).spam is SPAM[field]


def test_the_operator_may_name_another_spam_header() -> None:
    raw = a_post("X-Spam-Status: Yes, hits=9.3 (a.b)")
    assert parse(raw, "X-Spam-Status: yes").spam
    assert not parse(raw).spam
    assert not parse(raw, "X-Spam-Status: (").spam


ALTERNATIVE = "Content-Type: multipart/alternative; boundary=b"
TEXT, HTML = "Content-Type: text/plain\n\n", "Content-Type: text/html\n\n"
MIXED = "Content-Type: multipart/mixed; boundary=b"
IMAGE = "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\nAAAA"

# fields, body -> has_text, has_attachment, first line
CONTENTS = {
    "plain text": ("X: y", "hello\n", (True, False, "hello")),
    "blank lines": ("X: y", "\n  \n\t\n", (False, False, "")),
    "no body": ("X: y", "", (False, False, "")),
    "quoted text only": ("X: y", "> hello\n", (True, False, "")),
    "HTML": ("Content-Type: text/html", "<p>hello<br>all", (True, False, "hello")),
    "empty HTML": ("Content-Type: text/html", "<p>&nbsp;<br></p>", (False, False, "")),
    "both": (ALTERNATIVE, f"--b\n{TEXT}one\n--b\n{HTML}<b>two\n--b--\n", (True, False, "one")),
    "only HTML says something": (
        ALTERNATIVE, f"--b\n{TEXT}\n--b\n{HTML}<b>two\n--b--\n", (True, False, "two")),
    "neither says anything": (
        ALTERNATIVE, f"--b\n{TEXT}\n--b\n{HTML}<b>\n--b--\n", (False, False, "")),
    "an image": (MIXED, f"--b\n{IMAGE}\n--b--\n", (False, True, "")),
    "text and an image": (MIXED, f"--b\n{TEXT}hi\n--b\n{IMAGE}\n--b--\n", (True, True, "hi")),
    "a text that is attached": (
        "Content-Disposition: attachment; filename=a.txt", "hello\n", (False, True, "")),
    "an encoding we do not know": (
        "Content-Transfer-Encoding: x-uuencode", "begin 644 a\n", (False, True, "")),
    "an empty signed post": (
        "Content-Type: multipart/signed; boundary=b",
        f"--b\n{TEXT}\n--b\nContent-Type: application/pgp-signature\n\nx\n--b--\n",
        (False, False, "")),
    "a multipart that cannot be read": (
        "Content-Type: multipart/mixed", "hello\n", (True, False, "")),
    "a multipart with nothing in it": ("Content-Type: multipart/mixed", "\n\n", (False, False, "")),
}  # fmt: skip


@pytest.mark.parametrize("case", CONTENTS)
def test_text_and_attachments_are_seen(case: str) -> None:
    field, body, expected = CONTENTS[case]
    post = parse(a_post(field, body=body))
    # What we cannot read counts as an attachment unless it is nothing at all.
    unread = bool(post.defects)
    assert (post.has_text, post.has_attachment and not unread, post.first_line) == expected


def _hash(body: str) -> bytes:
    return parse(a_post(body=body)).body_hash


def test_the_body_hash_is_of_the_body_without_blank_lines_at_its_end() -> None:
    assert _hash("one\n\ntwo\n") == hashlib.sha256(b"one\r\n\r\ntwo").digest()
    assert _hash("one\n\ntwo") == _hash("one\n\ntwo\n\n \n" + "\n" * 10_000)
    assert _hash("one\n\ntwo\n") != _hash("one\n\n two\n") != _hash("one\n")
    assert _hash("") == _hash("\n\n") == hashlib.sha256(b"").digest()


def test_the_body_hash_does_not_depend_on_the_header() -> None:
    assert parse(a_post("Subject: a")).body_hash == parse(a_post("Subject: b")).body_hash


def test_short_texts_are_cut_where_they_get_absurd() -> None:
    post = parse(a_post("Subject: " + "x" * 9000, "Date: " + "y" * 9000, "List-Id: " + "z" * 9000))
    assert len(post.subject) == len(post.date) == len(post.list_ids[0]) == MAX_SHORT


def _is_clean(post: Post) -> bool:
    texts = [post.subject, post.date, post.first_line, post.message_id, *post.list_ids]
    texts += [author.name for author in post.authors]
    return not any(ord(c) < 32 or c in "\x7f\x85\u2028\u2029" for text in texts for c in text)


FIELDS = st.lists(
    st.tuples(
        st.sampled_from(["From", "To", "Cc", "Subject", "Date", "Message-ID", "List-Id", "Received",
                         "Content-Type", "Content-Transfer-Encoding", "Auto-Submitted", "X-Spam",
                         "Precedence", "Content-Disposition"]),
        st.text(max_size=20)
        | st.sampled_from(["a@b.example", "=?utf-8?q?=0D=0A?=", "multipart/mixed; boundary=b",
                           "text/html; charset=utf-7", "base64", "quoted-printable", "<a@b>", '"']),
    ),
    max_size=12,
)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(st.binary())
def test_any_bytes_are_read(raw: bytes) -> None:
    assert _is_clean(parse(raw))


@settings(deadline=None, max_examples=300)
@given(FIELDS, st.binary() | st.just(b"--b\r\n\r\n&#99;<p\r\n--b--"))
def test_any_message_is_read(fields: list[tuple[str, str]], body: bytes) -> None:
    head = "".join(f"{name}: {value}\n" for name, value in fields)
    raw = head.replace("\n", "\r\n").encode("utf-8", "replace") + b"\r\n" + body
    post = parse(raw)
    assert _is_clean(post)
    assert post.size == len(raw)
    assert post == parse(raw), "the same bytes are the same post"


def test_lines_that_end_as_on_unix_are_read_as_well() -> None:
    raw = a_post("Subject: x")
    assert parse(raw.replace(b"\r\n", b"\n")).subject == "x"
    assert parse(crlf("Subject: x\n\nhello")).first_line == "hello"
