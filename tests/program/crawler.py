"""What link scanners, mail programs and browsers do with a mail before anybody has read it: all
links, by every method that is safe (RFC 9110 9.2.1)."""

import http.client
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from email.header import decode_header, make_header
from email.message import Message
from html import unescape
from html.parser import HTMLParser
from urllib.parse import urlencode, urljoin

PATIENCE = 90.0
METHODS = ("GET", "HEAD", "OPTIONS", "OPTIONS", "GET")
# Who asks, and what they say that it is for.
VISITORS: Sequence[dict[str, str]] = (
    {},
    {"Purpose": "prefetch", "X-Moz": "prefetch"},
    {"Sec-Purpose": "prefetch;prerender", "Sec-Fetch-User": "?1"},
    {"User-Agent": "Mozilla/5.0 (compatible; SafeLinks)"},
    {"User-Agent": "GoogleImageProxy", "Accept": "image/*", "Accept-Language": "de"},
    # Not what RFC 8058 asks for, whatever it says: it is no POST.
    {"List-Unsubscribe": "One-Click", "X-HTTP-Method-Override": "POST"},
)
_URL = re.compile(r"https?://[^\s<>\"'()\[\]{}\\]+")
_OUTSIDE = ".,;:!?*_"


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back to one request."""

    method: str
    path: str
    status: int
    headers: dict[str, str]
    body: bytes

    def faults(self) -> Iterator[str]:
        """What no safe request may get: a failure of ours, a cookie, a page of somewhere else."""
        if self.status not in (200, 204, 404):
            yield f"{self.method} {self.path}: {self.status}"
        if self.method == "HEAD" and self.body:
            yield f"{self.method} {self.path}: {len(self.body)} octets"
        for name in ("set-cookie", "location", "refresh"):
            if name in self.headers:
                yield f"{self.method} {self.path}: {name}: {self.headers[name]}"


def links(mail: Message) -> list[str]:
    """Every URL anywhere in a mail, in order: in its header and in all that it has within, as text
    or HTML, to be seen or not."""
    found: list[str] = []
    for part in mail.walk():
        for _, value in part.items():
            folded = "".join(str(make_header(decode_header(str(value)))).splitlines())
            found += urls(folded)
        if part.get_content_maintype() == "text":
            raw = part.get_payload(decode=True)
            assert isinstance(raw, bytes)
            text = raw.decode(part.get_content_charset("utf-8"), "replace")
            found += urls(unescape(text))
    return list(dict.fromkeys(found))


def urls(text: str) -> list[str]:
    """The URLs of http and https in a text, without what ends its sentences."""
    return [url.rstrip(_OUTSIDE) for url in _URL.findall(text)]


class _Reader(HTMLParser):
    """Where a page leads: its links, and its forms as if they were sent by GET."""

    def __init__(self, at: str, page: str) -> None:
        super().__init__()
        self._at = at
        self._fields: dict[str, str] = {}
        self.found: set[str] = set()
        self._actions: list[tuple[str, dict[str, str]]] = []
        self.feed(page)
        for action, fields in self._actions:
            bare = action.partition("?")[0]
            self.found |= {bare, f"{bare}?{urlencode(fields)}"}

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        has = {name: value or "" for name, value in attrs}
        self.found |= {urljoin(self._at, has[name]) for name in ("href", "src") if name in has}
        if tag == "form":
            self._fields = {}
            self._actions.append((urljoin(self._at, has.get("action", "")), self._fields))
        elif "name" in has:
            self._fields[has["name"]] = has.get("value", "yes")


def crawl(port: int, base: str, start: Iterable[str]) -> list[Answer]:
    """Ask for every URL below `base`, which the server at `port` answers, and for all to which
    those lead."""
    waiting = sorted({url.partition("#")[0] for url in start if url.startswith(base)})
    known = set(waiting)
    answers: list[Answer] = []
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE)) as connection:
        while waiting:
            url = waiting.pop()
            for method in METHODS:
                for visitor in VISITORS:
                    # Each from somewhere else, so that none is told to come later.
                    at = f"100.{64 + len(answers) // 256}.{len(answers) % 256}.1"
                    path, header = url.removeprefix(base) or "/", {"X-Forwarded-For": at, **visitor}
                    answer = _ask(connection, method, path, header)
                    answers.append(answer)
                    if method == "GET":
                        leads = {each.partition("#")[0] for each in _leads(url, answer)}
                        new = {each for each in leads if each.startswith(base)} - known
                        known |= new
                        waiting += sorted(new)
    return answers


def _leads(url: str, answer: Answer) -> set[str]:
    if not answer.headers.get("content-type", "").startswith("text/html"):
        return set()
    return _Reader(url, answer.body.decode()).found


def _ask(
    connection: http.client.HTTPConnection, method: str, path: str, header: dict[str, str]
) -> Answer:
    connection.request(method, path, headers=header)
    got = connection.getresponse()
    headers = {name.lower(): value for name, value in got.getheaders()}
    return Answer(method, path, got.status, headers, got.read())
