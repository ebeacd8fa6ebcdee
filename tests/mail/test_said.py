"""What a person said at the top of a mail."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.mail.mime import MAX_TEXT
from listserv.mail.said import MAX_LINE, MAX_LINES, bare_subject, said, top_lines
from tests.mail.building import a_post, crlf
from tests.mail.clients import CLIENTS, as_sent
from tests.mail.test_hostile import BODIES


@pytest.mark.parametrize("client", CLIENTS)
def test_the_line_is_all_that_a_client_sends(client: str) -> None:
    assert said(as_sent(client, "SET support DIGEST")).lines == ("SET support DIGEST",)


# subject -> without marks
SUBJECTS = {
    "unsubscribe": "unsubscribe",
    "Re: unsubscribe": "unsubscribe",
    "RE: Re: AW: unsubscribe": "unsubscribe",
    "Re[2]: unsubscribe": "unsubscribe",
    "Fwd: WG: TR: help": "help",
    "Re: [Support] [ext] help": "help",
    "回复\uff1ahelp": "help",
    "=?utf-8?q?Antw=3A_help?=": "help",
    "=?iso-8859-1?q?SUB_support_J=FCrgen?=": "SUB support Jürgen",
    "=?utf-8?b?dW5zdWLCoG5ld3M=?=": "unsub news",
    "set: mail": "set: mail",
    "Re:": "",
    "": "",
}


@pytest.mark.parametrize("written", SUBJECTS)
def test_a_subject_is_read_without_its_marks(written: str) -> None:
    assert said(a_post(f"Subject: {written}")).subject == SUBJECTS[written]


# text -> the author's lines at the top
TEXTS = {
    "two lines": ("one\n\ntwo\n", ("one", "two")),
    "spaces of every kind": ("\u00a0set\u2003support \t digest\u202f\n", ("set support digest",)),
    "controls and what turns the writing": ("he\x00l\u202ep\x07\n", ("help",)),
    "nothing": ("\n \n", ()),
    "a signature": ("one\n-- \ntwo\n", ("one",)),
    "a signature alone": ("-- \ntwo\n", ()),
    "a quotation above": ("Bob wrote:\n> no\n\nyes\n", ("yes",)),
    "a quotation above, broken": ("Bob wrote:\n> no no\nno no\n> no\n\nyes\n", ("yes",)),
    "quotations between": ("> a\n\none\n> b\n\ntwo\n", ("one",)),
    "a quotation without marks": ("Bob wrote:\n\nhelp\n", ()),
    "a quotation without marks below": ("one\n\nAnn wrote:\n\nhelp\n", ("one",)),
    "Spanish": ("uno\n\nEl sáb, 9 may 2026 a las 10:00, Ana (<ana@example.org>)\nescribió:\n\nx\n",
                ("uno",)),
    "French": ("un\nLe sam. 9 mai 2026 à 10:00, Ann <ann@example.org> a\nécrit :\n> x\n", ("un",)),
    "German, broken three times": (
        "eins\nAm Samstag, dem 9. Mai\n2026 um 10:00 Uhr\nschrieb Ann <ann@example.org>\n"
        "folgendes:\nhelp\n", ("eins",)),
    "Italian": ("uno\nIl giorno sab 9 mag 2026 Ann <a@example.org> ha scritto:\nx\n", ("uno",)),
    "Dutch": ("een\nOp za 9 mei 2026 om 10:00 schreef Ann <a@example.org>:\nx\n", ("een",)),
    "Portuguese": ("um\nEm sáb., 9 de mai. de 2026, Ann escreveu:\nx\n", ("um",)),
    "Swedish": ("ett\nDen lör 9 maj 2026 kl 10:00 skrev Ann <a@example.org>:\nx\n", ("ett",)),
    "Japanese": ("一\n2026年5月9日(土) 10:00 Ann さんは書きました\uff1a\nx\n", ("一",)),
    "an unknown language": ("one\nXx Ann yy zz:\n\n> x\n", ("one",)),
    "a colon that announces nothing": ("I need:\nmilk\n", ("I need:", "milk")),
    "header fields quoted in French": ("un\nDe : Ann\nEnvoyé : samedi\nÀ : Bob\nx\n", ("un",)),
    "From: that is no header field": ("from: here\nto be\n", ("from: here", "to be")),
    "a phone in French": ("un\nEnvoyé de mon iPhone\ndeux\n", ("un",)),
    "a long line is cut": ("x" * 5000, ("x" * (MAX_LINE + 1),)),
    "more lines than are read": ("x\n" * 500, ("x",) * MAX_LINES),
}  # fmt: skip


@pytest.mark.parametrize("case", TEXTS)
def test_the_lines_at_the_top_are_the_authors(case: str) -> None:
    text, lines = TEXTS[case]
    post = a_post("Content-Type: text/plain; charset=utf-8", body=text)
    assert said(post).lines == lines


# (declared charset, octets) -> text
CHARSETS = {
    "right": ("iso-8859-2", "Łódź".encode("iso-8859-2"), "Łódź"),
    "Latin-1 that is Windows": ("iso-8859-1", "“ok”".encode("cp1252"), "“ok”"),
    "ASCII that is UTF-8": ("us-ascii", "Müller".encode(), "Müller"),
    "UTF-8 that is Windows": ("utf-8", "Müller".encode("cp1252"), "Müller"),
    "unknown": ("x-unknown", "Müller".encode(), "Müller"),
    "not of text": ("base64", b"help", "help"),
    "Japanese": ("iso-2022-jp", "登録 help".encode("iso-2022-jp"), "登録 help"),
    "octets that nothing is": ("utf-8", b"\x81\x8dhelp", "help"),
    "a byte order mark": ("utf-8", b"\xef\xbb\xbfhelp", "help"),
}


@pytest.mark.parametrize("case", CHARSETS)
def test_a_wrong_charset_is_read_as_the_likeliest(case: str) -> None:
    charset, octets, text = CHARSETS[case]
    raw = crlf(f"Content-Type: text/plain; charset={charset}\nContent-Transfer-Encoding: 8bit\n\n")
    assert said(raw + octets + b"\r\n").lines == (text,)


def test_a_character_that_is_cut_in_two_at_the_limit_spoils_nothing() -> None:
    raw = a_post("Content-Type: text/plain; charset=utf-8", body="ü\nx" + "ü" * MAX_TEXT)
    assert said(raw).lines[0] == "ü"


FLOWED = {
    "a soft break": ("CHANGE support \nann@new.example\n", "", ("CHANGE support ann@new.example",)),
    "a space deleted": ("sup \nport\n", "; delsp=yes", ("support",)),
    "a stuffed line": (" From me\n", "", ("From me",)),
    "a quotation of another depth": ("one \n> two\n", "", ("one",)),
    "a signature": ("one\n-- \ntwo\n", "", ("one",)),
}


@pytest.mark.parametrize("case", FLOWED)
def test_flowed_lines_are_joined(case: str) -> None:
    text, more, lines = FLOWED[case]
    raw = a_post(f"Content-Type: text/plain; charset=utf-8; format=flowed{more}", body=text)
    assert said(raw).lines == lines


def test_of_several_parts_the_first_with_text_counts() -> None:
    body = (
        "--b\nContent-Type: text/plain\n\n \n--b\nContent-Type: text/html\n\n<p>help</p>\n"
        "--b\nContent-Type: text/plain\n\nSIGNOFF news\n--b--\n"
    )
    raw = a_post("Content-Type: multipart/mixed; boundary=b", body=body)
    assert said(raw).lines == ("help",)


def test_an_attached_text_says_nothing() -> None:
    raw = a_post("Content-Disposition: attachment", body="unsubscribe\n")
    assert said(raw).lines == ()


HOSTILE = {
    "opening words": "On On On\n" * 2000,
    "one long attribution": "On " * 6000 + ":\n",
    "wrote": "wrote " * 3000 + ":\n",
    "colons": "x:\n" * 8000,
    "quoted From": "From:\n" * 3000,
    "flowed": "x \n" * 6000,
    "reply marks": "re:" * 5000,
}


@pytest.mark.parametrize("case", HOSTILE | BODIES)
@pytest.mark.parametrize("kind", ["text/plain; format=flowed", "text/html"])
def test_hostile_text_is_read_at_once(case: str, kind: str) -> None:
    text = (HOSTILE | BODIES)[case]
    found = said(a_post(f"Content-Type: {kind}", f"Subject: {text[:90_000]!r}", body=text))
    assert len(found.lines) <= MAX_LINES
    bare_subject(text)


@given(st.binary())
def test_any_bytes_are_read(raw: bytes) -> None:
    found = said(raw)
    assert all(line and line == line.strip() and min(line) >= " " for line in found.lines)


@given(
    st.lists(st.sampled_from(["", "> q", "On x", "Ann wrote:", "From: x", "To: y", "me", "-- "]))
)
def test_no_quoted_line_is_taken_for_the_authors(lines: list[str]) -> None:
    assert not any(line.startswith(">") for line in top_lines(lines, lazy=True))
