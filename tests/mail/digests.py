"""A digest as its readers get it, and how their programs quote it."""

import textwrap
from collections.abc import Callable, Mapping

from listserv.mail.answered import Quotable

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


def digest_lines() -> list[str]:
    """The whole of it."""
    lines = [
        "Town: 4 messages in 2 conversations, 21 November 2026",
        "",
        "1. Fatigue after the third round (2 messages: Ann Lee, Cleo)",
        "2. Port or no port? (2 messages: Ben Okafor, Dora)",
        "",
        "-" * 70,
        "",
    ]
    for item in ITEMS:
        lines += [*heading(item), *body(item), "", "-" * 30, ""]
    return [*lines, "End of Town Digest", "*" * 18]


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


TOP: Mapping[str, Callable[[list[str], str], str]] = {
    "Gmail": gmail,
    "Apple Mail": apple,
    "Outlook": outlook,
    "Outlook in German": outlook_in_german,
    "Yahoo": yahoo,
    "Thunderbird": thunderbird,
}
