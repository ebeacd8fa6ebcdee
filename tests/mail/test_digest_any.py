"""Any texts, names and subjects: nothing is lost, nothing of an author's acts, parts stay small."""

import re
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from listserv.mail.digest import Item
from listserv.mail.digest_parts import MAX_HTML, MAX_TEXT
from listserv.mail.plain import clean
from listserv.mail.quotes import fold_quotes
from listserv.mail.rendering import Attachment
from listserv.mail.threads import is_answer, original_of, originals
from tests.mail.digest_day import PREFIX, TOWN, item, made
from tests.mail.reading_digests import (
    Page,
    burst,
    leaves,
    page_of,
    text_of,
)

TAGS = {
    "html", "head", "meta", "title", "style", "body", "div", "h1", "h2", "h3", "p", "ul", "li",
    "a", "bdi", "small", "br", "blockquote",
}  # fmt: skip
ATTRIBUTES = {"href", "id", "class", "dir", "lang", "style", "name", "content", "charset"}
# What a reader of digests looks for, what a browser does, and what makes sizes hard to foresee.
NASTY = (
    "-" * 30, "-" * 70, "-" * 29, " " + "-" * 30, "End of Our Town Digest", "*" * 22,
    "Date: Mon, 02 Mar 2026 09:54:00 +0000", "From: a@b.test", "Subject: x", "Message: 1/2",
    "From a@b.test Mon Mar  2 09:54:00 2026", "X-Y: z", "To : me", "Status: RO", "-- ",
    "<script>alert(1)</script>", "<img src=https://x.test/pixel>", "</p></div></body>", "<style>",
    "javascript:alert(1)", "https://x.test/a?b=c&d#e", "www.x.test", "a@b.test", "&lt;&amp;&#0;",
    '"><a href="//x.test">', "<!--", "]]>", "{{ 7 * 7 }}", "{% include 'x' %}",
    "\u05e9\u05dc\u05d5\u05dd", "\u202e\u2066abc", "\u8336\u3092\u98f2\u3080", "\U0001f33b",
    "a\tb", "a  b", "[Town]", "Re: ", "=?utf-8?q?x?=",
    "\u200b\u00a0", "\x00\x0b\x85\u2028", "\ud800",
)  # fmt: skip
LINES = st.one_of(st.sampled_from(NASTY), st.text(max_size=20), st.just(""))
TEXTS = st.lists(LINES, max_size=12).map("\n".join)
NAMES = st.one_of(st.sampled_from(NASTY), st.text(min_size=1, max_size=20))
ITEMS = st.builds(
    lambda subject, author, text, answers, named: item(
        0, subject, author, text, answers=answers,
        attachments=[Attachment(named, named, 5)] if named else [],
    ),
    NAMES, NAMES, TEXTS, st.lists(st.integers(1, 5), max_size=2), st.one_of(st.just(""), NAMES),
)  # fmt: skip


def numbered(items: Sequence[Item]) -> list[Item]:
    return [
        replace(one, number=number, message_id=f"<{number}@x.test>")
        for number, one in enumerate(items, 1)
    ]


# Each would end the post, or the issue, and begin another.
SPLITTING = "\n\n".join(
    ["Hello", "-" * 30, "Date: x\nFrom: y\nSubject: z", "-" * 70, "To: x\n f", "a\n" + "-" * 33,
     "From a@b.test Mon Mar  2 09:54:00 2026\nX-Y: z", "End of Our Town Digest\n" + "*" * 22, "end"]
)  # fmt: skip


def bare(text: str) -> str:
    """What there is to see of a text, without its white space."""
    return re.sub(r"[\s\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+", "", text)


def own(lines: Iterable[str]) -> list[str]:
    return [bare(line) for line in lines if not line.startswith(">")]


def to_be_shown(one: Item, items: Iterable[Item]) -> list[str]:
    """What its author wrote, but for what is folded (tests/mail/test_quotes.py)."""
    assert one.rendering is not None
    text = clean(one.rendering.text)
    blocks = fold_quotes(
        text, answer=is_answer(one, PREFIX), original=original_of(one, originals(items))
    )
    return own(line for block in blocks for line in block.lines)


@given(
    items=st.lists(ITEMS, min_size=1, max_size=5).map(numbered),
    format=st.sampled_from(["text", "html"]),
)
@example(items=[item(1, "A", "Ann", SPLITTING), item(2, "B", "Ben", SPLITTING)], format="text")
def test_every_post_is_found_whole(items: list[Item], format: str) -> None:
    (part,) = made(items, format)
    posts = burst(text_of(part))
    assert sorted(part.numbers) == [one.number for one in items]
    for number, post in zip(part.numbers, posts, strict=True):
        one = items[number - 1]
        assert "".join(to_be_shown(one, items)) in "".join(own(post.written.split("\n")))
        assert [line.partition(":")[0] for line in post.header.split("\n")] == [
            "Message", "Date", "From", "Subject",
        ]  # fmt: skip
        assert f": {one.reply_to}\n" in post.tail and post.tail.endswith(one.address)
        if format == "html":
            page = bare(Page(page_of(part)).text)
            assert all(line in page for line in to_be_shown(one, items))


@given(st.lists(ITEMS, min_size=1, max_size=5).map(numbered))
def test_nothing_that_an_author_wrote_is_markup_or_a_header(items: list[Item]) -> None:
    (part,) = made(items)
    page = Page(page_of(part))
    assert {tag for tag, _ in page.tags} <= TAGS
    assert {name for _, attributes in page.tags for name in attributes} <= ATTRIBUTES
    assert [tag for tag, _ in page.tags].count("style") == 1
    for link in page.of("a"):
        href = link["href"] or ""
        assert href.startswith(("https://", "http://", "mailto:", "#c"))
        assert "%0a" not in href.lower() and "%0d" not in href.lower()
    assert [tag for tag, _ in page.tags].count("h3") == len(items)
    assert part.subject.isprintable() and "49" not in part.subject
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x00]", text_of(part) + page_of(part))


@pytest.mark.procmail
@given(items=st.lists(ITEMS, min_size=1, max_size=5).map(numbered))
@example(items=list(TOWN))
@example(items=[item(1, "A", "Ann", SPLITTING), item(2, "B", "Ben", SPLITTING)])
def test_formail_finds_every_post(items: list[Item], formail: str) -> None:
    (part,) = made(items, "text")
    split = [formail, "+1", "-ds", "sh", "-c", "cat > /dev/null; echo $FILENO"]
    told = subprocess.run(split, input=text_of(part).encode(), capture_output=True, check=True)
    assert len(told.stdout.split()) == len(items)


LARGE = {
    "1,000 posts": [
        replace(TOWN[n % 12], number=n + 1, message_id=f"<{n}@y>") for n in range(1000)
    ],
    "1,000 conversations": [item(n, f"S{n} " + "<&" * 90, f"A{n} " + "\U0001f33b" * 90, "Hi")
                            for n in range(1, 1001)],
    "2 MB in lines": [item(1, "S", "Ann", "A line of words that goes on and on.\n" * 55_000)],
    "2 MB in paragraphs": [item(1, "S", "Ann", "A paragraph of words that goes on.\n\n" * 55_000)],
    "2 MB in a line": [item(1, "S", "Ann", "words " * 340_000)],
    "a word of 500 kB": [item(1, "S", "Ann", "x" * 500_000)],
    "what HTML makes longer": [item(1, "S", "Ann", "<\"&'\n" * 60_000)],
    "links": [item(1, "S", "Ann", "a@b.c www.d.e " * 20_000)],
    "characters of four octets": [item(1, "S", "Ann", "\U0001f33b" * 100_000)],
    "a large beginning where little room is left": [
        item(1, "S", "Ann", "words " * 9600), item(2, "T", "Ben", "a@b.c " * 9000),
    ],
    "200 attachments": [item(1, "S", "Ann", "", attachments=[
        Attachment("\U0001f33b" * 200, "a/b" * 200, 1)] * 200)],
    "some long ones among others": [
        item(n, f"S{n % 9}", "Ann", f"{n} words and more\n\n" * (5000 if n % 7 == 0 else 3))
        for n in range(1, 60)
    ],
}  # fmt: skip


@pytest.mark.parametrize("format", ["text", "html"])
@pytest.mark.parametrize("name", LARGE)
def test_no_part_is_larger_than_its_limit_and_nothing_is_lost(name: str, format: str) -> None:
    items = LARGE[name]
    parts = made(items, format)
    written: dict[str, str] = {}
    for number, part in enumerate(parts, 1):
        for kind, text in leaves(part):
            limit = MAX_HTML if kind == "text/html" else MAX_TEXT
            assert len(text.replace("\n", "\r\n").encode()) <= limit
        assert len(parts) == 1 or part.subject.endswith(f" ({number}/{len(parts)})")
        for post in burst(text_of(part)):
            named = post.header.split("\n")[0]
            here = post.written.removesuffix(
                f"\n\n[The rest of this message is in part {number + 1}]"
            )
            written[named] = written.get(named, "") + "".join(own(here.split("\n")))
    order = list(dict.fromkeys(number for part in parts for number in part.numbers))
    assert sorted(order) == sorted(one.number for one in items)
    by_number = {one.number: one for one in items}
    for place, number in enumerate(order, 1):
        assert (
            "".join(to_be_shown(by_number[number], items))
            in written[f"Message: {place}/{len(items)}"]
        )


def test_hostile_names_stay_where_they_are() -> None:
    evil = "Ann\r\nBcc: x@y.test\r\n\r\n" + "-" * 30 + "\u202e<script>"
    one = replace(item(1, evil, evil, "Hi"), at=TOWN[0].at + timedelta(days=1))
    (part,) = made([one])
    assert b"Bcc" not in part.fields and "\n" not in part.subject
    assert len(burst(text_of(part))) == 1
    assert "<script" not in page_of(part) and "&lt;script&gt;" in page_of(part)
