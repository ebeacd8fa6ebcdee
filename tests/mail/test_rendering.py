"""What a digest shows of a post."""

import sys
from collections.abc import Callable
from types import FrameType
from unicodedata import category

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.mail.quotes import fold_quotes
from listserv.mail.rendering import (
    MAX_FORWARDED,
    MAX_PAGES,
    MAX_QUOTED,
    MAX_TEXT,
    Note,
    Rendering,
    note_phrase,
    render,
)
from listserv.resources import read_phrases, templates_dir
from tests.mail.building import a_post, crlf, nested
from tests.mail.clients import CLIENTS, as_sent
from tests.mail.posts import PLAIN, POSTS, Shown, part, post, several
from tests.mail.test_hostile import BODIES


@pytest.mark.parametrize("client", CLIENTS)
def test_what_a_person_wrote_is_there_whatever_program_sent_it(client: str) -> None:
    assert "Thank you all" in render(as_sent(client, "Thank you all")).text.split("\n")


@pytest.mark.parametrize("case", POSTS)
def test_a_post_is_shown_with_its_attachments_and_honest_lines(case: str) -> None:
    content, shown = POSTS[case]
    found = render(post(content))
    attachments = tuple(f"{a.name}, {a.type}, {a.octets}" for a in found.attachments)
    assert Shown(found.text, attachments, found.notes) == shown


def is_safe(found: Rendering) -> bool:
    """No controls, nothing that turns the direction of the writing, in one line where it is to."""
    lines = [*found.text.split("\n"), *found.notes, *found.parents, *found.named]
    lines += [text for one in found.attachments for text in (one.name, one.type)]
    text = "".join(lines)
    turning = set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
    return not {"Cc", "Cs", "Zl", "Zp"} & {category(char) for char in text} and not turning & {
        *text
    }


@given(st.binary(max_size=2000))
def test_any_bytes_are_rendered_and_safe_to_show(raw: bytes) -> None:
    assert is_safe(render(raw))


HEADS = st.sampled_from(
    ["Content-Type: text/html", "Content-Type: text/plain; format=flowed; delsp=yes",
     "Content-Transfer-Encoding: base64", "Content-Transfer-Encoding: quoted-printable",
     "Content-Type: text/calendar", "Content-Type: message/rfc822", "Content-Type: image/png",
     'Content-Disposition: attachment; filename="\u202ea\x07=?utf-8?q?=00=E2=80=AE?="',
     "Content-Disposition: attachment; filename*=utf-8''%C3%BC\udce9\udcef", "Subject: \udcff",
     "Content-Type: application/pkcs7-mime; smime-type=x", "To: Ann <ann@example.org>, \u202e@x.y",
     "References: <a@b> <\u202e@c>", "Content-Type: text/plain; charset=gb2312", "Subject: \u2028"]
)  # fmt: skip
WORDS = st.sampled_from(
    ["<p>", "<blockquote type=cite>", "&#8238;", "\u202e", "\x1b", "BEGIN:VEVENT\nSUMMARY:\x07x\n",
     "-----BEGIN PGP SIGNED MESSAGE-----\n", "DTSTART:20260509T000000\n", "=E2=80=AE", "4oCu", "\n"]
)  # fmt: skip
PARTS = st.builds(
    lambda heads, body: "\n".join(heads) + "\n\n" + "".join(body),
    st.lists(HEADS, max_size=3),
    st.lists(st.one_of(WORDS, st.text(max_size=5)), max_size=6),
)
KINDS = st.sampled_from(["mixed", "alternative", "signed", "related", "encrypted", "digest"])
TREES = st.recursive(
    PARTS,
    lambda inner: st.builds(
        lambda kind, parts, n: several(kind, *parts, boundary=f"b{n}"),
        KINDS, st.lists(inner, max_size=4), st.integers(0, 99),
    ),
    max_leaves=8,
)  # fmt: skip


@given(TREES)
def test_parts_in_parts_are_rendered_and_safe_to_show(content: str) -> None:
    assert is_safe(render(content.encode("utf-8", "surrogateescape")))


def test_the_messages_that_it_answers_and_whom_it_names() -> None:
    raw = a_post(
        "References: <1@x> <2@x>\n <\u202e4@x> <3@x>", "In-Reply-To: <2@x> of Saturday",
        "Cc: Bob@X.test",
        body="x",
    )  # fmt: skip
    found = render(raw)
    assert found.parents == ("<1@x>", "<2@x>", "<3@x>")
    assert found.named == ("support@lists.example.org", "bob@x.test")


def test_a_text_is_cut_where_its_lines_end_and_the_rest_is_told() -> None:
    line = "This is a line, as people write it: grüße.\n"
    found = render(post(part("text/plain; charset=utf-8", line * 50_000)))
    assert MAX_TEXT - 100 < len(found.text.encode()) <= MAX_TEXT
    assert set(found.text.split("\n")) == {line.strip()}
    assert found.notes == ("cut 2.2 MB",)
    single = render(post(part("text/html", "<p>" + "grüße " * 50_000)))
    assert MAX_TEXT - 10 < len(single.text.encode()) <= MAX_TEXT


def test_an_answer_below_a_long_quotation_is_not_cut() -> None:
    quoted = "> This is a line of a digest, as programs quote it.\n" * (MAX_QUOTED // 60)
    found = render(post(part("text/plain", f"{quoted}\nYes.\n")))
    assert found.text.endswith("\n\nYes.") and found.notes == ()


def test_what_is_not_shown_of_a_page_is_not_counted() -> None:
    hidden = "<!-- x -->" * 30_000 + f"<style>{'p {} ' * 50_000}</style>"
    pixel = '<img src="https://x.test/pixel.gif" width=1 height=1>'
    found = render(post(part("text/html", f"<p>one</p>{hidden}{pixel}<p>two</p>")))
    assert found == Rendering("one\n\ntwo", (), (), (), ())
    longer = render(post(part("text/html", f"<p>one</p><!--{'x' * MAX_PAGES}--><p>two</p>")))
    assert (longer.text, longer.notes) == ("one", ("cut 1 kB",))


LIMITED = {
    "parts in parts": (nested(400), Note.UNREAD),
    "300 attachments": (post(several("mixed", *[part("image/png", "x")] * 300)), Note.UNREAD),
    "a header of a megabyte": (a_post("X: " + "x" * 1_000_000), Note.UNREAD),
    "messages in a digest": (
        post(several("digest", *["\nSubject: x\n\nx"] * (MAX_FORWARDED + 30))), Note.MORE),
}  # fmt: skip


@pytest.mark.parametrize("case", LIMITED)
def test_what_is_beyond_a_limit_is_told(case: str) -> None:
    raw, note = LIMITED[case]
    assert note in [one.partition(" ")[0] for one in render(raw).notes]


def calls(do: Callable[[], object]) -> int:
    """How many functions are called, those of Python's own too."""
    count = 0

    def profile(_: FrameType, event: str, __: object) -> None:
        nonlocal count
        count += event in {"call", "c_call"}

    sys.setprofile(profile)
    try:
        do()
    finally:
        sys.setprofile(None)
    return count


SHAPES = {
    **{name: body[:4000] for name, body in BODIES.items()},
    "lines": "This is a line, as people write it.\n" * 100,
    "quoted lines": "> x\n>> y\n" * 300,
    "announcements": "On 9 May\nAnn <a@x.test> wrote:\n" * 100,
    "headings": "From: x\nTo: y\nDate: z\nSubject: x\n" * 100,
    "signatures": "-- \nx\n" * 300,
    "phones": "Sent from my iPhone\n" * 100,
    "tags": "<p><b>x</b><br>" * 100,
    "hidden parts": "<div style='display:none'>" * 100,
    "quotations": "<blockquote type=cite>x" * 100,
    "lists": "<ul><li>x" * 300,
    "links": "<a href='https://x.test/'>x" * 100,
    "armour": "-----BEGIN PGP SIGNED MESSAGE-----\n" * 100,
    "events": "BEGIN:VEVENT\nSUMMARY:x\n" * 100,
}


@pytest.mark.parametrize("kind", ["text/plain", "text/plain; format=flowed", "text/html",
                                  "text/calendar", "message/rfc822"])  # fmt: skip
@pytest.mark.parametrize("shape", SHAPES)
def test_the_work_grows_as_the_text_does(shape: str, kind: str) -> None:
    def work(times: int) -> int:
        raw = crlf(f"Content-Type: {kind}\n\n") + crlf(SHAPES[shape] * times)
        return calls(lambda: fold_quotes(render(raw).text, answer=True, footer="-- \n" + "x " * 99))

    assert work(8) < 10 * work(1) + 100


def test_a_note_says_something() -> None:
    phrases = read_phrases(templates_dir())
    assert {f"note.{note}" for note in Note} == {key for key in phrases if key[:5] == "note."}
    assert note_phrase("cut 1.9 MB") == ("note.cut", {"value": "1.9 MB"})


def test_what_is_told_of_a_post_is_told_once() -> None:
    event = part("text/calendar", "BEGIN:VEVENT\nSUMMARY:Tea\n")
    assert render(post(several("mixed", PLAIN, event, event))).notes == ("calendar Tea",)
