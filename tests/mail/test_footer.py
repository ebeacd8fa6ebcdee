"""Where the footer goes, where it does not, and that all other bytes stay."""

import base64
import email

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from listserv.mail.footer import MAX_TEXT_PART, footer_text, with_footer
from tests.mail.building import a_list, a_post, copy_of, crlf, nested

FOOT = "-- \nThe town list"
PLAIN = b"\r\n-- \r\nThe town list\r\n"
HTML = b"<div><br>\r\n-- <br>\r\nThe town list</div>\r\n"


def _body(raw: bytes) -> bytes:
    return raw.partition(b"\r\n\r\n")[2]


def _leaves(raw: bytes) -> list[str]:
    """The decoded texts, as another reader sees them."""
    message = email.message_from_bytes(raw)
    found = []
    for part in message.walk():
        if part.get_content_maintype() == "text":
            payload = part.get_payload(decode=True)
            assert isinstance(payload, bytes)
            found.append(payload.decode(part.get_content_charset("ascii")))
    return found


def _whole(raw: bytes, footer: str = FOOT) -> bytes:
    return raw[: len(raw) - len(_body(raw))] + with_footer(raw, footer)


def test_the_owners_words_are_filled_in_and_are_no_template_otherwise() -> None:
    mlist = a_list(
        title="Für alle", footer="$title <$address>\n${request} $5 $$ $nothing {{ x }}\n"
    )
    assert footer_text(mlist) == (
        "Für alle <support@lists.example.org>\n"
        "support-request@lists.example.org $5 $ $nothing {{ x }}\n"
    )


def test_without_a_footer_nothing_changes() -> None:
    assert copy_of(a_post(body="x" * 100)).body == b"x" * 100


class TestPlainText:
    @pytest.mark.parametrize("end", ["", "\n", "\n\n", "\n "])
    def test_it_stands_under_the_text_after_an_empty_line(self, end: str) -> None:
        raw = a_post(body="Hello" + end)
        text = crlf("Hello" + end)
        assert with_footer(raw, FOOT) == (text if text.endswith(b"\n") else text + b"\r\n") + PLAIN

    def test_quoted_printable_stays_what_it_is(self) -> None:
        head = [
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: quoted-printable",
        ]
        for end in ("", "\n", "=\n", "="):
            raw = a_post(*head, body="Gr=C3=BC=C3=9Fe=20" + end)
            made = with_footer(raw, f"-- \nfür {'alle ' * 30}= .\n.")
            assert made.startswith(_body(raw))
            assert made.isascii()
            assert max(map(len, made.split(b"\r\n"))) <= 76
            (text,) = _leaves(raw[: -len(_body(raw))] + made)
            assert text.splitlines()[-3:] == ["-- ", f"für {'alle ' * 30}= .", "."]
            assert text.startswith("Grüße \r\n")

    @pytest.mark.parametrize("length", range(1, 130))
    def test_base64_stays_what_it_is(self, length: int) -> None:
        text = b"Hello all, this is a text. " * 10
        encoded = base64.encodebytes(text[:length]).replace(b"\n", b"\r\n")
        raw = a_post("Content-Transfer-Encoding: base64", body="") + encoded
        made = with_footer(raw, FOOT)
        assert made.startswith(encoded.rstrip()[:-4].rstrip())
        assert max(map(len, made.split(b"\r\n"))) <= 76
        assert base64.b64decode(made) == text[:length] + b"\r\n" + PLAIN

    def test_base64_text_with_its_own_last_line_end_gets_no_second(self) -> None:
        raw = a_post("Content-Transfer-Encoding: base64", body="SGkNCg==\n")
        assert base64.b64decode(with_footer(raw, FOOT)) == b"Hi\r\n" + PLAIN

    def test_the_charset_of_the_text_is_taken(self) -> None:
        for charset, octets in (("iso-8859-1", b"f\xfcr"), ("utf-8", b"f\xc3\xbcr")):
            raw = a_post(f"Content-Type: text/plain; charset={charset}",
                         "Content-Transfer-Encoding: 8bit", body="x\n")  # fmt: skip
            assert with_footer(raw, "für") == b"x\r\n\r\n" + octets + b"\r\n"

    def test_japanese_ends_in_ascii_and_so_does_the_footer(self) -> None:
        raw = a_post("Content-Type: text/plain; charset=iso-2022-jp", body="") + (
            "日本\r\n".encode("iso-2022-jp")
        )
        made = with_footer(raw, "本")
        assert made.decode("iso-2022-jp") == "日本\r\n\r\n本\r\n"
        assert made.isascii()

    def test_flowed_text_is_not_flowed_into(self) -> None:
        raw = a_post("Content-Type: text/plain; format=Flowed", body="Hello \n")
        assert with_footer(raw, "-- \n>a \n b\nFrom c\nd") == (
            b"Hello \r\n\r\n-- \r\n >a\r\n  b\r\n From c\r\nd\r\n"
        )


PAGES = {
    "<html><body><p>hi</p></body></html>\n": (
        b"<html><body><p>hi</p>" + HTML + b"</body></html>\r\n"
    ),
    "<BODY>hi</BODY >": b"<BODY>hi" + HTML + b"</BODY >",
    "<pre></body></pre><body>hi</body>": b"<pre></body></pre><body>hi" + HTML + b"</body>",
    "<html>hi</html>": b"<html>hi" + HTML + b"</html>",
    "<p>hi": b"<p>hi\r\n" + HTML,
}
QUOTED = {
    "<body>hi=20\n</body>": b"<body>hi=20\r\n=\r\n" + HTML + b"</body>",
    "<body>hi</bo=\ndy>": b"<body>hi=\r\n" + HTML + b"</bo=\r\ndy>",
    "=3Cbody=3Ehi=3c/body=3E": b"=3Cbody=3Ehi=\r\n" + HTML + b"=3c/body=3E",
    "<p>hi": b"<p>hi\r\n" + HTML,
}


class TestHtml:
    @pytest.mark.parametrize("page", PAGES)
    def test_it_stands_at_the_end_of_the_page(self, page: str) -> None:
        raw = a_post("Content-Type: text/html", body=page)
        assert with_footer(raw, FOOT) == PAGES[page]

    @pytest.mark.parametrize("page", PAGES)
    def test_in_base64_too(self, page: str) -> None:
        encoded = base64.encodebytes(crlf(page)).decode("ascii")
        raw = a_post("Content-Type: text/html", "Content-Transfer-Encoding: base64", body=encoded)
        made = with_footer(raw, FOOT)
        assert base64.b64decode(made) == PAGES[page]
        assert max(map(len, made.split(b"\r\n"))) <= 76

    @pytest.mark.parametrize("page", QUOTED)
    def test_in_quoted_printable_too(self, page: str) -> None:
        head = ["Content-Type: text/html", "Content-Transfer-Encoding: quoted-printable"]
        assert with_footer(a_post(*head, body=page), FOOT) == QUOTED[page]

    @pytest.mark.parametrize("charset", ["us-ascii", "iso-8859-1", "utf-8", "big5", "koi8-r"])
    def test_any_words_fit_any_charset(self, charset: str) -> None:
        raw = a_post(f"Content-Type: text/html; charset={charset}", body="<p>hi</body>")
        assert with_footer(raw, "für <b> & 字") == (
            b"<p>hi<div><br>\r\nf&#252;r &lt;b&gt; &amp; &#23383;</div>\r\n</body>"
        )


TEXT = "Content-Type: text/plain; charset=utf-8\n\nhello\n"
PAGE = "Content-Type: text/html; charset=utf-8\n\n<body>hello</body>\n"
IMAGE = "Content-Type: image/png\nContent-Transfer-Encoding: base64\n\nAAAA\n"
PATCH = "Content-Type: text/plain\nContent-Disposition: attachment; filename=x\n\n+hello\n"


def _multipart(kind: str, *parts: str, boundary: str = "b") -> str:
    body = "".join(f"--{boundary}\n{part}" for part in parts)
    return f'Content-Type: multipart/{kind}; boundary="{boundary}"\n\n{body}--{boundary}--\n'


ALTERNATIVE = _multipart("alternative", TEXT, PAGE, boundary="alt")
RELATED = _multipart("related", PAGE, IMAGE, boundary="rel")
SIGNATURE = "Content-Type: application/pgp-signature\n\nx\n"
SIGNED = _multipart("signed", TEXT, SIGNATURE, boundary="sig")
PGP = "Content-Type: text/plain\n\n-----BEGIN PGP SIGNED MESSAGE-----\nhello\n"

# how many of the texts have the footer, and of how many
PLACES = {
    "both leaves of an alternative": (ALTERNATIVE, [1, 1]),
    "an HTML leaf with images": (_multipart("alternative", TEXT, RELATED), [1, 1]),
    "the text above an attachment": (_multipart("mixed", TEXT, IMAGE), [1]),
    "an alternative above an attachment": (_multipart("mixed", ALTERNATIVE, PATCH), [1, 1, 0]),
    "not a second text": (_multipart("mixed", TEXT, IMAGE, TEXT), [1, 0]),
    "HTML with images": (RELATED, [1]),
    "not a text under an image": (_multipart("mixed", IMAGE, TEXT), [0]),
    "not an attachment": (_multipart("mixed", PATCH), [0]),
    "not a forwarded message": (
        _multipart("mixed", f"Content-Type: message/rfc822\n\n{TEXT}"), [0]),
    "not a kind we do not know": (_multipart("x-new", TEXT), [0]),
    "not a digest": (_multipart("digest", f"\n{TEXT}"), [0]),
    "not a signed post": (SIGNED, [0]),
    "not beside a signed part": (_multipart("mixed", TEXT, SIGNED), [0, 0]),
    "not above a signed part": (_multipart("mixed", SIGNED, TEXT), [0, 0]),
    "not beside an encrypted part": (
        _multipart("alternative", TEXT, "Content-Type: application/pkcs7-mime\n\nx\n"), [0]),
    "not a post signed in its text": (PGP, [0]),
    "not beside a text signed in itself": (_multipart("alternative", PGP, PAGE), [0, 0]),
    "not a post encrypted in its text": (PGP.replace("SIGNED ", ""), [0]),
    "not in an empty text": (
        _multipart("alternative", "Content-Type: text/plain\n\n", PAGE), [0, 1]),
}  # fmt: skip


@pytest.mark.parametrize("case", PLACES)
def test_the_footer_stands_there_and_nowhere_else(case: str) -> None:
    text, counts = PLACES[case]
    raw = crlf("From: ann@example.org\n" + text)
    made = _whole(raw)
    assert [leaf.count("The town list") for leaf in _leaves(made)] == counts
    unfooted = made.replace(b"\r\n" + PLAIN, b"").replace(HTML, b"")
    assert unfooted == raw, "all other bytes stay"


def test_a_quoted_pgp_message_is_none() -> None:
    raw = a_post(body="> -----BEGIN PGP SIGNED MESSAGE-----\n> hello\n")
    assert with_footer(raw, FOOT).endswith(PLAIN)


def test_a_leaf_that_cannot_take_it_does_not_keep_it_from_the_other() -> None:
    ascii_text = "Content-Type: text/plain\n\nhello\n"
    raw = crlf(_multipart("alternative", ascii_text, PAGE))
    plain, page = _leaves(_whole(raw, "für alle"))
    assert plain == "hello"
    assert "f&#252;r alle" in page


# fields, body octets, footer
LEFT_ALONE = {
    "the footer is not in the charset": (
        "Content-Type: text/plain; charset=iso-8859-1", b"x", "字"),
    "the footer is not ASCII, the text is": ("X: y", b"x", "ü"),
    "the footer has 8 bits, the text 7": (
        "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 7bit", b"x", "ü"),
    "no known charset": ("Content-Type: text/plain; charset=x-unknown", b"x", FOOT),
    "UTF-7": ("Content-Type: text/html; charset=utf-7", b"x", FOOT),
    "UTF-16": ("Content-Type: text/plain; charset=utf-16", "x".encode("utf-16"), FOOT),
    "not in its charset": ("Content-Type: text/plain; charset=utf-8", b"\xff", FOOT),
    "HTML not in its charset": ("Content-Type: text/html; charset=utf-8", b"\xff</body>", FOOT),
    "no known transfer encoding": ("Content-Transfer-Encoding: x-uuencode", b"x", FOOT),
    "broken base64": ("Content-Transfer-Encoding: base64", b"aGVs*bG8=", FOOT),
    "broken base64 HTML": (
        "Content-Type: text/html\nContent-Transfer-Encoding: base64", b"aGV", FOOT),
    "base64 that ends twice": ("Content-Transfer-Encoding: base64", b"aGk=\r\naGk=\r\n", FOOT),
    "base64 broken in its last group": ("Content-Transfer-Encoding: base64", b"aGVsbG8\r\n=", FOOT),
    "nothing": ("X: y", b"", FOOT),
    "far too much text": ("X: y", b"x" * (MAX_TEXT_PART + 1), FOOT),
    "a type too long to be read": ("Content-Type: text/plain; x=" + "y" * 9000, b"x", FOOT),
}  # fmt: skip


@pytest.mark.parametrize("case", LEFT_ALONE)
def test_a_text_that_cannot_take_the_footer_is_left_alone(case: str) -> None:
    fields, octets, footer = LEFT_ALONE[case]
    assert with_footer(a_post(fields, body="") + octets, footer) == octets


def test_what_is_not_read_gets_no_footer() -> None:
    for raw in (nested(30), crlf(_multipart("mixed", *[TEXT] * 300))):
        assert _whole(raw) == raw


def test_a_part_without_a_body_keeps_its_header() -> None:
    raw = crlf(
        "Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: text/plain\n--b--\n"
    )
    assert _whole(raw) == raw


MIMELIKE = st.lists(
    st.sampled_from(
        [b"Content-Type: multipart/mixed; boundary=b\r\n", b"Content-Type: text/html\r\n", b"\r\n",
         b"\r\n--b\r\n", b"\r\n--b--\r\n", b"Content-Transfer-Encoding: base64\r\n", b"aGk=", b"=",
         b"Content-Transfer-Encoding: quoted-printable\r\n", b"</body>", b"x", b"\xff",
         b"Content-Type: multipart/alternative; boundary=b\r\n"]
    ),
    max_size=20,
).map(b"".join)  # fmt: skip


@settings(deadline=None, max_examples=300)
@given(st.binary() | MIMELIKE)
def test_a_footer_adds_and_takes_nothing_away(raw: bytes) -> None:
    made = with_footer(raw, "-- \nfüße")
    assert len(made) >= len(_body_of(raw))
    remaining = iter(made)
    if b"base64" not in raw:
        assert all(octet in remaining for octet in _body_of(raw)), "the body is a subsequence"


def _body_of(raw: bytes) -> bytes:
    return copy_of(raw).body
