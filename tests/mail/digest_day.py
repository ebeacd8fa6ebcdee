"""Posts for issues of a digest: a day of a list as it might be, and others."""

import tomllib
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

from listserv.mail.digest import Issue, Item, Part, Words, build
from listserv.mail.rendering import Attachment, Rendering
from listserv.resources import JinjaTemplates

GOLDEN = Path(__file__).parents[1] / "golden" / "digests"
TEMPLATES = JinjaTemplates()
ZONE = ZoneInfo("Europe/London")
BEGAN = datetime(2026, 3, 2, 7, 40, tzinfo=UTC)
DAY = date(2026, 3, 3)
PREFIX = "[Town]"


def item(
    number: int,
    subject: str,
    author: str,
    text: str,
    *,
    answers: Sequence[int | str] = (),
    attachments: Sequence[Attachment] = (),
    notes: Sequence[str] = (),
    address: str | None = None,
) -> Item:
    """A post; `answers` are the numbers of others, or Message-IDs."""
    parents = tuple(one if isinstance(one, str) else f"<{one}@x.test>" for one in answers)
    token = "abcdefghijklmnopqrstuvwxyz"[number % 26] * 22
    return Item(
        number,
        f"<{number}@x.test>",
        subject,
        author,
        f"member-{number}@example.net" if address is None else address,
        f"town+re-{token}@lists.example.org",
        (BEGAN + timedelta(minutes=67 * number)).astimezone(ZONE),
        Rendering(text, tuple(attachments), tuple(notes), parents, ()),
    )


def _read_day() -> tuple[Item, ...]:
    posts = tomllib.loads((GOLDEN / "town.toml").read_text("utf-8"))["post"]
    people = {post["author"]: post["author"].split()[0].lower() for post in posts}
    return tuple(
        item(
            number,
            post["subject"],
            post["author"],
            post["text"],
            answers=post.get("answers", ()),
            attachments=[Attachment(*one) for one in post.get("attachments", ())],
            address=f"{people[post['author']]}@example.net".replace("ö", "oe"),
        )
        for number, post in enumerate(posts, 1)
    )


TOWN = _read_day()


def issue(items: Sequence[Item], format: str = "html", *, title: str = "Our Town") -> Issue:
    return Issue(
        title,
        "town@lists.example.org",
        "town-request@lists.example.org",
        "town-leave@lists.example.org",
        "town.lists.example.org",
        DAY,
        format,
        tuple(items),
        prefix=PREFIX,
    )


def made(items: Sequence[Item], format: str = "html", language: str = "en") -> tuple[Part, ...]:
    return build(issue(items, format), Words(TEMPLATES, language))
