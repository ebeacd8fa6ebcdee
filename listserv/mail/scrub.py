"""A message without our tokens that act for somebody: LIST-confirm+TOKEN@ becomes LIST-confirm@,
and the address of a page, URL/u/TOKEN, becomes URL/u/.

People forward our mails to a list and quote them in posts, with the address at which only they were
to answer. Wherever such an address stands, in a header field, a text, an attached message, in
quoted-printable, base64, encoded words or a link, its token is cut out and every other octet stays.
In other files it is blotted out. Not looked into: pictures, sound, films, and what is packed or
encrypted.
"""

import binascii
import re
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from functools import lru_cache

from listserv.domain.address import DOMAIN_FORMS, FORMS, MAX_TOKEN, Role
from listserv.domain.tokens import RANDOM_LENGTH, WEB_LENGTH
from listserv.mail import headers as h
from listserv.mail.headers import header_line
from listserv.mail.mime import Part, read_structure
from listserv.mail.surgery import Field, Header, read_fields
from listserv.mail.transfer import base64_lines
from listserv.mail.words import decode_words

# Forwarded messages in forwarded messages; what lies deeper is read as plain text.
MAX_NESTED = 10
# An alias's and an item's token only say where a mail goes.
_ACTS = frozenset(
    {
        Role.CONFIRM, Role.MODERATE, Role.LEAVE_TOKEN, Role.BOUNCES,
        Role.ROBOT_CONFIRM, Role.ROBOT_BOUNCES,
    }
)  # fmt: skip
_SUFFIXES = sorted(
    {
        f"-{form.suffix.rstrip('+').rpartition('-')[2]}"
        for form in (*FORMS, *DOMAIN_FORMS)
        if form.role in _ACTS
    }
)
# As texts, pages and links write them; between a token and its @ Word puts the end of a <span>.
_PLUS = ("+", "%2b", "&#43;", "&#x2b;", "&plus;")
_AT = ("@", "%40", "&#64;", "&#x40;", "&commat;")
_TAGS = rb"(?:<[^<>]{0,200}>){0,2}"
# In quoted-printable any character may be written as =XX, and a soft line break stand anywhere.
_SOFT = rb"(?:=[ \t]*\r?\n)*"
_QUOTED_TAGS = rb"(?:(?:<|=3c)[^<>]{0,200}?(?:>|=3e)){0,2}"
_BASE32 = rb"[a-z2-7]"
_QUOTED_BASE32 = rb"(?:[a-z2-7]|=(?:4[1-9a-f]|5[0-9a]|6[1-9a-f]|7[0-9a]|3[2-7]))"
# Pages whose address has a token (listserv/web/app.py), and as links to them are written. Before
# them may stand a port and folders.
_PAGES = ("u", "c", "s")
_SLASH = ("/", "%2f", "&#47;", "&#x2f;")
_FOLDERS = rb"[^\s<>\"']{0,120}?"
_QUOTED_FOLDERS = rb"(?:=[ \t]*\r?\n|[^\s<>\"']){0,120}?"
_ENCODED_WORD = re.compile(rb"=\?[^?\s]{1,80}\?[bq]\?[^?]*+\?=", re.IGNORECASE)
_ELLIPSIS = b"=?utf-8?q?=E2=80=A6?="
_OPAQUE = ("image/", "audio/", "video/")


def without_tokens(raw: bytes, domains: Collection[str]) -> bytes:
    """The message `raw`, the very same object when there is nothing to cut out. `domains` are ours
    and those of our pages, as A-labels. Never raises, for any bytes; linear in them."""
    patterns = _patterns(frozenset(domains))
    lower = raw.lower()
    if not _may_hide(lower) and not patterns.stand_in(raw, lower):
        return raw
    return _Scrubbed(raw, patterns, MAX_NESTED).message(0, len(raw))


def text_without_tokens(text: str, domains: Collection[str]) -> str:
    """The same of a text."""
    return _patterns(frozenset(domains)).cut_text(text)


def _may_hide(lower: bytes) -> bool:
    """Whether something of the message may be read otherwise than it stands there. If not, what is
    looked at are pieces of it as they are, and what stands in none of them stands not in it."""
    return b"=?" in lower or b"base64" in lower or b"quoted-printable" in lower


@dataclass(frozen=True, slots=True)
class _Patterns:
    """Addresses and links with a token as they stand in plain text, and in quoted-printable. What
    is kept is the first group. `begins` are the words, lower-case, with one of which what each of
    `plain` finds begins."""

    plain: tuple[re.Pattern[bytes], ...]
    quoted: tuple[re.Pattern[bytes], ...]
    begins: tuple[tuple[bytes, ...], ...]

    def stand_in(self, octets: bytes, lower: bytes) -> bool:
        """Whether there is anything to cut out of `octets`, which are also given in lower case: to
        look for the words takes a tenth of the time of a search."""
        return any(
            pattern.match(octets, at)
            for pattern, words in zip(self.plain, self.begins, strict=True)
            for word in words
            for at in _places(lower, word)
        )

    def cut(self, octets: bytes) -> bytes:
        if not self.stand_in(octets, octets.lower()):
            return octets
        for pattern in self.plain:
            octets = pattern.sub(rb"\1", octets)
        return octets

    def cut_quoted(self, octets: bytes) -> bytes:
        for pattern in self.quoted:
            octets = pattern.sub(rb"\1", octets)
        return octets

    def blotted(self, octets: bytes) -> bytes:
        """The same number of octets: a file that is no text keeps its structure."""
        for pattern in self.plain:
            octets = pattern.sub(lambda found: found[1].ljust(len(found[0]), b"-"), octets)
        return octets

    def cut_text(self, text: str) -> str:
        octets = text.encode("utf-8", "surrogatepass")
        cut = self.cut(octets)
        return cut.decode("utf-8", "surrogatepass") if cut != octets else text


@lru_cache(maxsize=16)
def _patterns(domains: frozenset[str]) -> _Patterns:
    def plain(octet: int) -> bytes:
        return re.escape(bytes((octet,)))

    def quoted(octet: int) -> bytes:
        upper = ord(bytes((octet,)).upper())
        return rb"(?:%s|=(?:%02x|%02x))" % (plain(octet), octet, upper)

    return _Patterns(
        _pattern(domains, plain, b"", _BASE32, _TAGS, _FOLDERS),
        _pattern(domains, quoted, _SOFT, _QUOTED_BASE32, _QUOTED_TAGS, _QUOTED_FOLDERS),
        tuple(
            tuple(word.encode().lower() for word in words) for words in (_SUFFIXES, _names(domains))
        ),
    )


def _places(octets: bytes, word: bytes) -> Iterator[int]:
    at = octets.find(word)
    while at >= 0:
        yield at
        at = octets.find(word, at + 1)


def _names(domains: frozenset[str]) -> list[str]:
    return [name for domain in sorted(domains) for name in {domain, _in_unicode(domain)}]


def _pattern(
    domains: frozenset[str],
    one: Callable[[int], bytes],
    between: bytes,
    base32: bytes,
    tags: bytes,
    folders: bytes,
) -> tuple[re.Pattern[bytes], ...]:
    """An address of ours with a token, and a link. `one` matches an octet, `between` what may stand
    between two, `base32` a character of a token, `tags` markup behind it, `folders` what stands
    before a page."""

    def any_of(words: Collection[str]) -> bytes:
        return b"(?:" + b"|".join(between.join(map(one, w.encode())) for w in words) + b")"

    names = _names(domains)
    token = rb"(?:%s%s){%d,%d}" % (base32, between, RANDOM_LENGTH, MAX_TOKEN)
    address = rb"(%s)%s%s%s%s(?=%s%s%s%s)" % (
        any_of(_SUFFIXES), between, any_of(_PLUS), between, token,
        tags, any_of(_AT), between, any_of(names),
    )  # fmt: skip
    slash = between + any_of(_SLASH) + between
    token = rb"(?:%s%s){%d,%d}" % (base32, between, RANDOM_LENGTH, WEB_LENGTH)
    link = rb"(%s%s%s%s%s)%s" % (any_of(names), folders, slash, any_of(_PAGES), slash, token)
    return re.compile(address, re.IGNORECASE), re.compile(link, re.IGNORECASE)


def _in_unicode(domain: str) -> str:
    try:
        return domain.encode("ascii").decode("idna")
    except UnicodeError:
        return domain


@dataclass(frozen=True, slots=True)
class _Scrubbed:
    """One message on its way. `nested` counts down with each message inside another. The pieces of
    the methods, joined, are the octets that they are about."""

    raw: bytes
    patterns: _Patterns
    nested: int

    def message(self, head: int, end: int) -> bytes:
        """The message raw[head:end]."""
        whole = self.raw if (head, end) == (0, len(self.raw)) else self.raw[head:end]
        fields, _, start = read_fields(self.raw, head, end)
        root = read_structure(self.raw, Header(fields), start, head=head, end=end).root
        made = b"".join(self._part(root))
        return whole if made == whole else made

    def _part(self, part: Part) -> Iterator[bytes]:
        """Its header and its body."""
        fields, at, _ = read_fields(self.raw, part.head, part.end)
        yield from map(self._field, fields)
        if not part.parts:
            yield self.raw[at : part.start]
            yield self._body(part)
            return
        for child in part.parts:
            yield self.patterns.cut(self.raw[at : child.head])
            yield from self._part(child)
            at = child.end
        yield self.patterns.cut(self.raw[at : part.end])

    def _field(self, field: Field) -> bytes:
        """A token in encoded words may stand in two of them, and begin in the middle of one: then
        none of a field's stay, but for a subject, which is written anew."""
        cut = self.patterns.cut(field.raw)
        if b"=?" not in cut:
            return cut
        words = decode_words(Field(field.name, cut).text)
        clean = self.patterns.cut_text(words)
        if clean == words:
            return cut
        if field.name == h.SUBJECT.lower():
            return header_line(h.SUBJECT, clean)
        return _ENCODED_WORD.sub(_ELLIPSIS, cut)

    def _body(self, part: Part) -> bytes:
        body = self.raw[part.start : part.end]
        if part.encoding == "quoted-printable":
            # To undo the encoding takes less time than to search in it.
            text = binascii.a2b_qp(body)
            return self.patterns.cut_quoted(body) if self.patterns.cut(text) != text else body
        if part.encoding == "base64":
            # What only says that it is base64 is text, as it stands there.
            body = self.patterns.cut(body)
            return body if part.type.startswith(_OPAQUE) else self._base64(part, body)
        if part.type.startswith("message/") and self.nested:
            inner = _Scrubbed(self.raw, self.patterns, self.nested - 1)
            return inner.message(part.start, part.end)
        return self._content(part, body)

    def _base64(self, part: Part, body: bytes) -> bytes:
        try:
            content = binascii.a2b_base64(body)
        except binascii.Error:
            return body
        if part.type.startswith("message/") and self.nested:
            inner = _Scrubbed(content, self.patterns, self.nested - 1)
            clean = inner.message(0, len(content))
        else:
            clean = self._content(part, content)
        return body if clean == content else base64_lines(clean)

    def _content(self, part: Part, octets: bytes) -> bytes:
        is_text = part.type.startswith(("text/", "message/", "multipart/"))
        return self.patterns.cut(octets) if is_text else self.patterns.blotted(octets)
