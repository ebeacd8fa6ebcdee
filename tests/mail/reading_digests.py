"""Digests as those who get them read them: the texts of a part, its posts, its tags."""

import email
import re
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from html.parser import HTMLParser

from listserv.mail.digest import Part

BEFORE_POSTS = "\n\n" + "-" * 70 + "\n\n"
BEHIND_POST = "\n\n" + "-" * 30 + "\n\n"
_END = re.compile(r"End of (?:.*) Digest\n(\*+)\n")


def message(part: Part) -> Message:
    assert part.body.endswith(b"\r\n") and b"\n" not in part.body.replace(b"\r\n", b"")
    read = email.message_from_bytes(part.fields + b"\r\n" + part.body)
    assert not any(one.defects for one in read.walk())
    return read


def leaves(part: Part) -> list[tuple[str, str]]:
    """(type, text) of each text in a part, with line ends of LF."""
    return [
        (one.get_content_type(), content(one).decode("utf-8").replace("\r\n", "\n"))
        for one in message(part).walk()
        if not one.is_multipart()
    ]


def inside(one: Message) -> list[Message]:
    parts = one.get_payload()
    assert isinstance(parts, list)
    return [part for part in parts if isinstance(part, Message)]


def content(one: Message) -> bytes:
    decoded = one.get_payload(decode=True)
    assert isinstance(decoded, bytes)
    return decoded


def text_of(part: Part) -> str:
    kind, text = leaves(part)[0]
    assert kind == "text/plain"
    return text


def page_of(part: Part) -> str:
    kind, text = leaves(part)[1]
    assert kind == "text/html"
    return text


@dataclass(frozen=True)
class Burst:
    """A post out of a digest: its header, what is written, and where answers go."""

    header: str
    written: str
    tail: str


def burst(text: str) -> list[Burst]:
    """The posts, as RFC 1153 says they are found."""
    preamble, _, rest = text.partition(BEFORE_POSTS)
    assert preamble
    *posts, end = rest.split(BEHIND_POST)
    trailer = _END.match(end)
    assert trailer and len(trailer[1]) == end.index("\n")
    return [_post(post) for post in posts]


def _post(post: str) -> Burst:
    header, _, rest = post.partition("\n\n")
    written, blank, tail = rest.rpartition("\n\n")
    return Burst(header, written if blank else "", tail)


class Page(HTMLParser):
    """What a browser would make of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data: str) -> None:
        self.texts.append(data)

    @property
    def text(self) -> str:
        return "".join(self.texts)

    def of(self, tag: str) -> Iterator[dict[str, str | None]]:
        return (attributes for name, attributes in self.tags if name == tag)
