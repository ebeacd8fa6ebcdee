"""What rules about texts look at: all that a person reads, and not what is quoted."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.wording import Wording
from listserv.mail.parse import parse
from listserv.mail.searched import MAX_SEARCHED, wording
from tests.mail.building import a_post, crlf, nested

PLAIN = "Content-Type: text/plain; charset=utf-8"
HTML = "Content-Type: text/html; charset=utf-8"


def of(raw: bytes) -> Wording:
    return wording(raw, parse(raw))


def words(*fields: str, body: str) -> str:
    return " ".join(of(a_post(*fields, body=body)).body.split())


TEXTS = [
    ((PLAIN,), "Hello\nall.\n", "Hello all."),
    ((PLAIN,), "a > b\n", "a > b"),
    ((PLAIN,), "Mine\n> theirs\n >> older\nmine too\n", "Mine mine too"),
    (
        (HTML,),
        "<style>p {}</style><p>One</p><p>two <b>t</b>hree &amp; four",
        "One two three & four",
    ),
    (
        (HTML,),
        "Mine<blockquote>theirs<blockquote>older</blockquote>x</blockquote>mine too",
        "Mine mine too",
    ),
    ((HTML,), "Mine</blockquote> and <blockquote>never closed", "Mine and"),
    ((PLAIN, "Content-Transfer-Encoding: base64"), "SGVsbG8gYWxs\n", "Hello all"),
    ((PLAIN, "Content-Transfer-Encoding: quoted-printable"), "Gr=C3=BC=\n=C3=9Fe\n", "Grüße"),
    (("Content-Type: text/plain; charset=iso-8859-1",), "don=t", "don=t"),
    (("Content-Type: application/pdf",), "Hello", ""),
    ((PLAIN, "Content-Disposition: attachment"), "Hello", ""),
]


@pytest.mark.parametrize(("fields", "body", "read"), TEXTS, ids=range(len(TEXTS)))
def test_the_text_that_a_person_reads(fields: tuple[str, ...], body: str, read: str) -> None:
    assert words(*fields, body=body) == read


def test_all_texts_are_read_and_a_sentence_ends_between_them() -> None:
    body = "--b\nContent-Type: text/plain\n\none\n--b\nContent-Type: text/html\n\n<p>two\n--b--\n"
    assert words("Content-Type: multipart/alternative; boundary=b", body=body) == "one . two"


OUTLOOK = (
    "I am sorry to hear it.\n\nFrom: Ann Lee <ann@example.org>\nSent: Monday, 5 January\n"
    "To: support\nSubject: Today\n\nI want to end it all.\n"
)


@pytest.mark.parametrize("subject", ["Re: Today", "AW: Today", "[support] RE[2]: Today"])
def test_what_outlook_quotes_below_an_answer_is_not_read(subject: str) -> None:
    assert words(f"Subject: {subject}", PLAIN, body=OUTLOOK) == "I am sorry to hear it."
    markup = OUTLOOK.replace("<", "&lt;").replace("\n", "<br>")
    assert words(f"Subject: {subject}", HTML, body=markup) == "I am sorry to hear it."


@pytest.mark.parametrize("subject", ["FW: Today", "Today", "Reading: today"])
def test_what_somebody_passes_on_is_read(subject: str) -> None:
    assert "end it all" in words(f"Subject: {subject}", PLAIN, body=OUTLOOK)


def test_octets_without_a_charset_are_read_as_a_person_would_see_them() -> None:
    assert of(a_post() + "Grüße".encode()).body.endswith("Grüße")
    assert of(a_post(body="") + b"don\x92t").body == "don\u2019t"


LINKS = [
    ("Subject: x", PLAIN, "see https://example.org/x", True),
    ("Subject: x", PLAIN, "see www.example.org", True),
    ("Subject: https://example.org", PLAIN, "see", True),
    ("Subject: x", PLAIN, "write to ann@www.example.org or example.org", True),
    ("Subject: x", PLAIN, "write to ann@example.org, http: and wwww.", False),
    ("Subject: x", PLAIN, "> https://example.org quoted\nno", False),
    ("Subject: x", HTML, '<a class="x" href="https://example.org">here</a>', True),
    ("Subject: x", HTML, "<a\nhref = //example.org>here</a>", True),
    ("Subject: x", HTML, '<a href="mailto:ann@example.org">ann</a>', False),
    ("Subject: x", HTML, '<html xmlns="http://www.w3.org/TR/REC-html40"><p>Hello', False),
    ("Subject: x", HTML, '<img src="https://example.org/logo.png">', False),
    ("Subject: x", HTML, '<blockquote><a href="https://a.org">a</a></blockquote>no', False),
]


@pytest.mark.parametrize(("subject", "kind", "body", "link"), LINKS, ids=range(len(LINKS)))
def test_a_link_is_seen(subject: str, kind: str, body: str, link: bool) -> None:
    assert of(a_post(subject, kind, body=body)).link is link


def test_subject_and_attachment_are_the_posts() -> None:
    raw = a_post("Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=", "Content-Type: image/png")
    assert of(raw) == Wording("Grüße", "", link=False, attachment=True)


def test_no_more_is_read_than_anybody_writes() -> None:
    part = "--b\nContent-Type: text/plain\n\n" + "word " * 30_000 + "\n"
    raw = a_post("Content-Type: multipart/mixed; boundary=b", body=part * 5 + "--b--\n")
    assert MAX_SEARCHED - 20 <= len(of(raw).body) <= MAX_SEARCHED + 20


@given(st.binary(max_size=3000))
def test_any_bytes_are_read(raw: bytes) -> None:
    assert isinstance(of(raw).body, str)


@given(st.binary(max_size=3000))
def test_any_bytes_in_html_are_read(body: bytes) -> None:
    assert isinstance(of(crlf(HTML + "\n\n") + body).body, str)


def test_parts_within_parts_are_read_as_far_as_a_message_is() -> None:
    assert of(nested(50)).body.strip() in {"", "hello"}
