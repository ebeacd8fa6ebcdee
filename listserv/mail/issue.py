"""What an issue of a digest is made of, and the parts that it becomes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from types import MappingProxyType

from listserv.domain.languages import ENGLISH
from listserv.mail.notices import Templates
from listserv.mail.rendering import Rendering


@dataclass(frozen=True, slots=True)
class Item:
    """One post. `number` is its acceptance number, `message_id` "<...>"; `author` a name, never
    empty; `address` an addr-spec, "" where nobody may see it; `reply_to` the list's address for
    answers to this post; `at` is aware, in the zone to show. Without a `rendering` the digest says
    in one line that there is none."""

    number: int
    message_id: str
    subject: str
    author: str
    address: str
    reply_to: str
    at: datetime
    rendering: Rendering | None


@dataclass(frozen=True, slots=True)
class Issue:
    """`post`, `request` and `leave` are addresses of the list; `day` is the day of the issue in the
    zone to show; `format` is text, html or mime; `items` are by number. `raws` are whole messages
    with CR LF lines, by number, for the format mime only. `prefix` is the list's subject_prefix,
    which headings leave out, and `footer` its footer as posts carry it, which posts leave out."""

    title: str
    post: str
    request: str
    leave: str
    list_id: str
    day: date
    format: str
    items: tuple[Item, ...]
    raws: Mapping[int, bytes] = field(default_factory=lambda: MappingProxyType({}))
    prefix: str = ""
    footer: str = ""


@dataclass(frozen=True, slots=True)
class Part:
    """One mail of an issue, without the header that says who writes to whom. `fields` are the
    header lines of its body, MIME-Version and Content-*, `body` has CR LF lines; `numbers` are the
    acceptance numbers of the posts in it, in the order of reading: one that goes on in the next
    part is in both."""

    subject: str
    fields: bytes
    body: bytes
    numbers: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Place:
    """Where a post stands in the whole issue: its number, from 1, of how many."""

    number: int
    total: int

    def __str__(self) -> str:
        return f"{self.number}/{self.total}"


@dataclass(frozen=True, slots=True)
class Words:
    """The words of one language."""

    templates: Templates
    language: str = ENGLISH

    def phrase(self, key: str, **values: object) -> str:
        return self.templates.phrase(key, values, self.language)

    def render(self, name: str, **values: object) -> str:
        return self.templates.render(name, values, self.language)

    def date(self, day: date) -> str:
        """Without the year: 3 March, 3. März."""
        return self.phrase("date.short", day=day.day, month=self.phrase(f"month.{day.month}"))
