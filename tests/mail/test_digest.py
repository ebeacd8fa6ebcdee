"""What an issue of a digest looks like."""

from dataclasses import replace
from urllib.parse import parse_qs, unquote, urlsplit

import pytest

from listserv.mail.digest import Item, Words, build
from listserv.mail.digest_body import Paragraph, Voice, written
from listserv.mail.digest_html import cleaned, mailto, paragraph_html
from listserv.mail.encode import fitted
from listserv.mail.rendering import Attachment, Note
from listserv.mail.threads import bare_title
from tests.mail.digest_day import GOLDEN, PREFIX, TEMPLATES, TOWN, issue, item, made
from tests.mail.reading_digests import (
    Page,
    burst,
    content,
    inside,
    leaves,
    message,
    page_of,
    text_of,
)

# Shortened in the golden files.
LINE = " ".join(["It was a long day in the ward."] * 120)
LONG = item(13, "My story", "Ann R.", "\n\n".join(f"Day {day}. {LINE}" for day in range(1, 43)))
# Name: posts, format, language.
CASES: dict[str, tuple[tuple[Item, ...], str, str]] = {
    "town": (TOWN, "html", "en"),
    "town-german": (TOWN, "html", "de"),
    "town-text": (TOWN, "text", "en"),
    "one-post": (TOWN[6:7], "html", "en"),
    "long": ((TOWN[1], *TOWN[6:8], LONG), "html", "en"),
}


@pytest.mark.parametrize("name", CASES)
def test_an_issue_is_the_one_that_was_reviewed(name: str, request: pytest.FixtureRequest) -> None:
    posts, format, language = CASES[name]
    parts = made(posts, format, language)
    found = set()
    for number, part in enumerate(parts, 1):
        for kind, text in leaves(part):
            stem = f"{name}-part-{number}" if len(parts) > 1 else name
            path = GOLDEN / f"{stem}.{'html' if kind == 'text/html' else 'txt'}"
            whole = text if kind == "text/html" else f"Subject: {part.subject}\n\n{text}"
            whole = whole.replace(LINE, "[...]")
            if request.config.getoption("--update-golden", default=False):
                path.write_text(whole, "utf-8")
            assert whole == path.read_text("utf-8")
            found.add(path.name)
    files = {path.name for path in GOLDEN.iterdir() if path.stem.partition("-part-")[0] == name}
    assert files - {"town.toml"} == found


def test_every_golden_file_belongs_to_an_issue() -> None:
    stems = {path.stem.partition("-part-")[0] for path in GOLDEN.iterdir()}
    assert stems == set(CASES)


def test_a_long_line_goes_on_with_a_word() -> None:
    words = ["word"] * 2000
    said = list(written([" ".join(words)]))
    assert len(said) > 2
    assert " ".join(one.text for one in said).split(" ") == words


def test_a_post_goes_on_in_the_next_part() -> None:
    parts = made(CASES["long"][0])
    assert [part.subject[-6:] for part in parts] == [" (1/3)", " (2/3)", " (3/3)"]
    assert [part.numbers for part in parts] == [(2, 7, 13), (13,), (13, 8)]
    headers = [post.header for part in parts for post in burst(text_of(part))]
    assert [header.split("\n")[0] for header in headers] == [
        f"Message: {number}/4" for number in (1, 2, 3, 3, 3, 4)
    ]
    continued = [header.endswith("Subject: My story (continued)") for header in headers]
    assert continued == [False, False, False, True, True, False]


def test_links_say_whom_they_write_to_and_about_what() -> None:
    links = [urlsplit(one["href"] or "") for one in Page(page_of(made(TOWN)[0])).of("a")]
    mails = [
        (unquote(link.path), parse_qs(link.query).get("subject", [""])[0])
        for link in links
        if link.scheme == "mailto"
    ]
    titles = {one.number: bare_title(one.subject, PREFIX) for one in TOWN}
    for one in TOWN:
        answer = f"Re: {titles[one.number]}"
        assert mails.count((one.reply_to, answer)) == 1 and (one.address, answer) in mails
    assert ("town-request@lists.example.org", "SET MAIL") in mails
    anchors = {one["id"] for one in Page(page_of(made(TOWN)[0])).of("h2")}
    assert {link.fragment for link in links if not link.scheme} == anchors


def test_a_link_is_written_as_rfc_6068_says() -> None:
    link = mailto("a+b&c=d?e%f#@x.test", "Re: 50% & more? #1 \u00e9\u8336")
    assert link == (
        "mailto:a%2Bb%26c%3Dd%3Fe%25f%23@x.test?subject=Re%3A%2050%25%20%26%20more%3F%20%231%20"
        "%C3%A9%E8%8C%B6"
    )


def test_an_author_whose_address_nobody_may_see_is_written_to_through_the_list() -> None:
    hidden = item(1, "Hello", "A member", "Hi", address="")
    (part,) = made([hidden])
    (post,) = burst(text_of(part))
    assert "\nFrom: A member\n" in post.header
    assert post.tail == f"Reply to the list: {hidden.reply_to}"
    assert "Write to" not in page_of(part) and hidden.reply_to in unquote(page_of(part))


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("see http://x.test/_(b), and",
         'see <a href="http://x.test/_(b)">http://x.test/_(b)</a>, and'),
        ("(www.x.test/?a=1&b=2).",
         '(<a href="https://www.x.test/?a=1&amp;b=2">www.x.test/?a=1&amp;b=2</a>).'),
        ("<ann@x.test>", '&lt;<a href="mailto:ann@x.test">ann@x.test</a>&gt;'),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("http://", "http://"),
        ('https://x.test/"onclick="a', '<a href="https://x.test/">https://x.test/</a>"onclick="a'),
        ("https://x.test/\u202egnp.exe", '<a href="https://x.test/">https://x.test/</a>\u202egnp.exe'),
        ("<b>bold</b> &amp;", "&lt;b&gt;bold&lt;/b&gt; &amp;amp;"),
    ],
)  # fmt: skip
def test_what_is_written_becomes_markup(written: str, shown: str) -> None:
    assert paragraph_html(Paragraph(Voice.OWN, written)) == f'<p dir="auto">{shown}</p>'


def test_a_table_made_of_spaces_keeps_its_columns() -> None:
    table = "aspirin   100 mg\nrest      10 mg"
    assert '<p class="columns"' in paragraph_html(Paragraph(Voice.OWN, table))
    prose = "Two spaces.  As on a typewriter.\nAnd   a slip."
    assert "columns" not in paragraph_html(Paragraph(Voice.OWN, prose))


def test_markup_that_got_in_is_taken_out_again() -> None:
    """Behind the escaping stands a second defence."""
    evil = '<p onclick="a()">x<script>b()</script><img src=c><a href="javascript:d()">e</a></p>'
    assert cleaned(evil) == "<p>x<a>e</a></p>"


def test_an_attachment_is_one_line() -> None:
    files = [
        Attachment("photo.jpg", "image/jpeg", 1_234_567),
        Attachment("", "application/pdf", 900),
        Attachment("x\r\ny" * 99, "application/x-\u202ething", 0),
    ]
    (post,) = burst(text_of(made([item(1, "A", "Ann", "", attachments=files)])[0]))
    first, second, third = post.written.split("\n")
    assert first == "[Attached: photo.jpg (picture, 1.2 MB)]"
    assert second == "[Attached: PDF, 1 kB]"
    assert third.startswith("[Attached: x y") and third.endswith("application/x-thing, 1 kB)]")


def test_what_cannot_be_shown_is_said_in_words() -> None:
    (part,) = made([replace(TOWN[0], rendering=None)])
    for _, text in leaves(part):
        assert "Our program could not read this message." in text
    notes = [f"{Note.MORE} 5", f"{Note.CUT} 1.9 MB", Note.ENCRYPTED]
    noted = item(1, "A", "Ann", "Hi", notes=notes, attachments=[Attachment("a", "b/c", 1)])
    (post,) = burst(text_of(made([noted], language="de")[0]))
    assert post.written.split("\n\n")[1].split("\n") == [
        "[Der Text ist länger, als hier Platz hat: 1,9 MB fehlen.]",
        "[In diesem Beitrag ist etwas verschlüsselt und kann hier nicht gezeigt werden.]",
        "[Anhang: a (b/c, 1 kB)]",
        "[Und 5 weitere Anhänge.]",
    ]


def test_quotations_are_apart_from_what_answers_them() -> None:
    (part,) = made([item(1, "A", "Ann", "> one\n> two\nthree\n>> four\n\nfive")])
    (post,) = burst(text_of(part))
    assert post.written == "> one\n> two\n\nthree\n\n> > four\n\nfive"
    assert '<blockquote dir="auto">one<br>two</blockquote>\n<p dir="auto">three</p>' in page_of(
        part
    )


def test_answers_that_no_program_marked_are_shown_where_the_post_before_is_in_the_issue() -> None:
    asked = "How do you sleep at night?\n\nAnd do you eat enough?"
    below = asked.replace("\n\n", "\n\nBadly.\n\n")
    heading = "From: Ann <a@x.test>\nSent: 9 May 2026\nTo: all\nSubject: Sleep\n"
    answer = item(2, "Re: Sleep", "Ben", f"Hello,\n\n{heading}\n{below}", answers=[1])
    (part,) = made([item(1, "Sleep", "Ann", asked), answer], "text")
    assert "\n\n> How do you sleep at night?\n\nBadly.\n\n" in text_of(part)


def test_a_format_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="'index' is no format"):
        made(TOWN, "index")


def test_messages_stand_whole_under_the_contents() -> None:
    raws = {
        one.number: f"Subject: {one.subject}\r\n\r\nPost {one.number} \u00e4\r\n".encode()
        for one in TOWN[:-1]
    }
    (part,) = build(replace(issue(TOWN, "mime"), raws=raws), Words(TEMPLATES))
    read = message(part)
    masthead, digest = inside(read)
    assert (read.get_content_type(), digest.get_content_type()) == (
        "multipart/mixed", "multipart/digest",
    )  # fmt: skip
    assert "- Parking at the new clinic (Tom)\r\n" in content(masthead).decode()
    assert "SET MIME" not in content(masthead).decode()
    messages = [inside(one)[0] for one in inside(digest)]
    assert [one.get_content_type() for one in inside(digest)] == ["message/rfc822"] * 12
    for number, one in zip(part.numbers, messages, strict=True):
        if number in raws:
            assert raws[number] in part.body
        else:
            assert one["Subject"] == TOWN[-1].subject and one["Reply-To"] == TOWN[-1].reply_to
            assert "ring the specialist nurse" in content(one).decode()


def test_messages_go_to_a_relay_of_seven_bits() -> None:
    raw = "Subject: x\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\u00e4\r\n".encode()
    (part,) = build(replace(issue(TOWN[:2], "mime"), raws={1: raw, 2: raw}), Words(TEMPLATES))
    fields, body = fitted(part.fields, part.body, eight_bit=False)
    assert body.isascii()
    texts = leaves(replace(part, fields=fields, body=body))
    assert [text for _, text in texts[1:]] == ["\u00e4\n"] * 2


def test_messages_are_split_by_their_size() -> None:
    raws = {one.number: b"Subject: x\r\n\r\n" + b"x" * 70 * 6000 + b"\r\n" for one in TOWN}
    raws[TOWN[0].number] *= 4
    parts = build(replace(issue(TOWN, "mime"), raws=raws), Words(TEMPLATES))
    assert [len(part.numbers) for part in parts] == [2, 2, 2, 2, 2, 1, 1]
    assert sorted(number for part in parts for number in part.numbers) == list(range(1, 13))
    assert [part.subject[-6:] for part in parts] == [f" ({number}/7)" for number in range(1, 8)]
