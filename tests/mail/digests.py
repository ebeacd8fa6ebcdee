"""A digest as its readers get it, and how their programs quote it."""

import textwrap
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from email import message_from_bytes

from listserv.mail.digest import Issue, Item, Words, build
from listserv.mail.digest_words import Quotable
from listserv.mail.rendering import Rendering
from listserv.resources import JinjaTemplates

TITLE = "Town"
FATIGUE = Quotable(
    "Fatigue after the third round",
    "Ann Lee",
    "Hello all,\n"
    "since the third round I sleep eleven hours and wake up as tired as before. My doctor says that"
    " this is to be expected and will pass within six weeks.\n"
    "\n"
    "Does anybody know what helps in the meantime? I tried short walks in the morning, and they"
    " make it rather worse.\n"
    "\nAnn",
    "aaaabbbbccccddddeeeeff22",
)
PORT = Quotable(
    "Port or no port?",
    "Ben Okafor",
    "My nurse cannot find a vein any more. The surgeon offers a port under the collar bone, with"
    " one night in hospital.\n"
    "\n"
    "Who of you has one, and would you do it again?",
    "aaaabbbbccccddddeeeeff33",
)
WALKS = Quotable(
    "Re: Fatigue after the third round",
    "Cleo",
    "On Fri, 20 Nov 2026 Ann Lee wrote:\n"
    "> Does anybody know what helps in the meantime?\n"
    "\n"
    "With me it was swimming, twice a week and never longer than twenty minutes. Nobody told me, I"
    " found it by accident.\n"
    "Take care of yourself.",
    "aaaabbbbccccddddeeeeff44",
)
THANKS = Quotable("Re: Port or no port?", "Dora", "Thanks!", "aaaabbbbccccddddeeeeff55")
ITEMS = (FATIGUE, PORT, WALKS, THANKS)


def heading(item: Quotable) -> list[str]:
    return [
        f"Message: {ITEMS.index(item) + 1} of {len(ITEMS)}",
        "Date: Sat, 21 Nov 2026 09:12:00 +0100",
        f"From: {item.author} <{item.author.partition(' ')[0].lower()}@example.org>",
        f"Subject: {item.subject}",
        "",
    ]


def body(item: Quotable) -> list[str]:
    lines = item.text.split("\n")
    if any(line.startswith(">") for line in lines):
        lines = ["[Quoted: 1 line]", *[ln for ln in lines if not ln.startswith(("> ", "On Fri"))]]
    return [
        *lines,
        "",
        f"Reply to the list: town+re-{item.mark}@lists.example.org",
        f"Write to {item.author}: somebody@example.org",
    ]


def contents(raw: bytes) -> list[bytes]:
    """What is in the parts of a message."""
    found = (part.get_payload(decode=True) for part in message_from_bytes(raw).walk())
    return [one for one in found if isinstance(one, bytes)]


def _issue() -> Issue:
    items = tuple(
        Item(
            number, f"<item{number}@example.org>", one.subject, one.author, "somebody@example.org",
            f"town+re-{one.mark}@lists.example.org", datetime(2026, 11, 21, 9, number, tzinfo=UTC),
            Rendering(one.text, (), (), (), ()),
        )
        for number, one in enumerate(ITEMS, 1)
    )  # fmt: skip
    at = ("town@x.example", "town-request@x.example", "town-leave@x.example", "town.x.example")
    return Issue(TITLE, *at, date(2026, 11, 21), "html", items)


(_PART,) = build(_issue(), Words(JinjaTemplates()))
# The digest as it goes out, its text, and what is in the body of its page.
DIGEST = f"Subject: {_PART.subject}\r\n".encode() + _PART.fields + b"\r\n" + _PART.body
_TEXT, _PAGE = (one.decode().replace("\r\n", "\n") for one in contents(DIGEST))
PAGE = _PAGE.partition("<body>")[2].partition("</body>")[0]


def digest_lines() -> list[str]:
    """The whole of it."""
    return _TEXT.rstrip().split("\n")


def item_lines(item: Quotable) -> list[str]:
    """One item, cut out by hand."""
    return item.text.split("\n")


ATTRIBUTION = "On Sat, 21 Nov 2026 at 07:00, Town <town-request@lists.example.org> wrote:"


def gmail(quoted: list[str], own: str) -> str:
    wrapped = [part for line in quoted for part in textwrap.wrap(line, 70) or [""]]
    return "\n".join([own, "", ATTRIBUTION, "", *(f"> {line}".rstrip() for line in wrapped), ""])


def apple(quoted: list[str], own: str) -> str:
    marked = [f"> {line}".rstrip() for line in quoted]
    return "\n".join(
        [
            own,
            "",
            "Sent from my iPhone",
            "",
            "> On 21 Nov 2026, at 07:00, Town wrote:",
            "> ",
            *marked,
        ]
    )


def outlook(quoted: list[str], own: str) -> str:
    block = [
        "-----Original Message-----",
        "From: Town <town-request@lists.example.org>",
        "Sent: Saturday, 21 November 2026 07:00",
        "To: Bob",
        "Subject: Town digest",
        "",
    ]
    return "\n".join([own, "", *block, *quoted])


def outlook_in_german(quoted: list[str], own: str) -> str:
    block = ["Von: Town <x@y.example>", "Gesendet: Samstag, 21. November 2026", "An: Bob", ""]
    return "\n".join([own, "", "_" * 32, *block, *quoted])


def yahoo(quoted: list[str], own: str) -> str:
    return "\n".join(
        [own, "", "On Saturday, 21 November 2026 at 07:00:00 BST, Town wrote:", *quoted]
    )


def thunderbird(quoted: list[str], own: str) -> str:
    marked = [f"> {line}".rstrip() for line in quoted]
    return "\n".join(["Am 21.11.26 um 07:00 schrieb Town:", *marked, "", own])


def phone(quoted: list[str], own: str) -> str:
    """It breaks long lines and does not mark what goes over."""
    broken: list[str] = []
    for line in quoted:
        parts = textwrap.wrap(line, 60) or [""]
        broken += [f"> {parts[0]}".rstrip(), *(part for part in parts[1:] if len(parts) > 1)]
    return "\n".join([own, "", "21 Nov 2026 07:00, Town wrote:", *broken])


# Programs that mark what they quote, and those that do not.
MARK: Mapping[str, Callable[[list[str], str], str]] = {
    "Gmail": gmail,
    "Apple Mail": apple,
    "Thunderbird": thunderbird,
    "a phone": phone,
}
BARE: Mapping[str, Callable[[list[str], str], str]] = {
    "Outlook": outlook,
    "Outlook in German": outlook_in_german,
    "Yahoo": yahoo,
}


def as_page(body: str) -> bytes:
    """A mail in HTML alone."""
    fields = "MIME-Version: 1.0\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"
    return f"{fields}<html><body>{body}</body></html>".encode()


def gmail_page(quoted: str, own: str) -> bytes:
    return as_page(
        f'<div dir="ltr">{own}</div><br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">'
        'On Sat, 21 Nov 2026 at 07:00, Town &lt;<a href="mailto:town-request@x.example">'
        'town-request@x.example</a>&gt; wrote:<br></div><blockquote class="gmail_quote">'
        f"{quoted}</blockquote></div>"
    )


def apple_page(quoted: str, own: str) -> bytes:
    return as_page(
        f'{own}<br><br><div dir="ltr">Sent from my iPhone</div><div dir="ltr"><br><blockquote '
        'type="cite">On 21 Nov 2026, at 07:00, Town &lt;town-request@x.example&gt; wrote:<br><br>'
        f'</blockquote></div><blockquote type="cite"><div dir="ltr">{quoted}</div></blockquote>'
    )


def outlook_page(quoted: str, own: str) -> bytes:
    return as_page(
        f"<div><p class=MsoNormal>{own}</p></div><div style='border:none;border-top:solid #E1E1E1 "
        "1.0pt'><p><b>From:</b> Town &lt;town-request@x.example&gt; <br><b>Sent:</b> 21 November "
        f"2026 07:00<br><b>To:</b> Bob<br><b>Subject:</b> {_PART.subject}</p></div>{quoted}"
    )


PAGES: Mapping[str, Callable[[str, str], bytes]] = {
    "Gmail": gmail_page,
    "Apple Mail": apple_page,
    "Outlook": outlook_page,
}
