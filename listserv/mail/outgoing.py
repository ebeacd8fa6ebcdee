"""A post -> the list's copy, by the table headers.OUTGOING.

Header fields that stay are the author's bytes; the body is too, unless the list has a footer or a
line is too long to go out. The copy is one for all members, but for List-Unsubscribe: a recipient
may have one of their own in its place (mail/personal.py).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from email.utils import format_datetime

from listserv.domain.address import Role
from listserv.domain.lists import MailingList
from listserv.domain.post import Mailbox, Post
from listserv.mail import headers as h
from listserv.mail.encode import fitted
from listserv.mail.footer import footer_text, with_footer
from listserv.mail.headers import Becomes, outgoing_row, structured_line
from listserv.mail.kept_signatures import untouched
from listserv.mail.mailboxes import MAX_NAME, read_mailboxes, write_mailbox
from listserv.mail.mime import too_long
from listserv.mail.subject import with_prefix
from listserv.mail.surgery import Field, Header, read_fields, split
from listserv.mail.wire import wire_field

# RFC 2919 3
_MAX_LIST_ID = 255

_IN_ADDRESS = re.compile(r"[^\s<>,\"()]+@[^\s<>,\"()]*")


@dataclass(frozen=True, slots=True)
class ListCopy:
    """What goes out: head + CR LF + body. `shared` is whole header fields, each ended by CR LF, and
    `unsubscribe` the one that is the same for all members unless each has their own instead.

    `eight_bit`: there are octets above 127 (RFC 6152). `utf8`: an address in the header is not
    ASCII, so the relay is asked for SMTPUTF8 (RFC 6531); other 8-bit header text is no reason.
    """

    shared: bytes
    unsubscribe: bytes
    body: bytes
    eight_bit: bool
    utf8: bool

    @property
    def head(self) -> bytes:
        """The header of a copy that has nothing personal."""
        return self.shared + self.unsubscribe


@dataclass(frozen=True, slots=True)
class KeptFrom:
    """The copy's From may stay the author's. `verified` are the d= of the signatures that were good
    when the post came in, `aligned` the digests of those that prove the author
    (`domain.authorship.Signature`). What our edits leave whole stays in the copy; From stays when
    one of the aligned is among it, or the copy would not pass DMARC."""

    verified: frozenset[str]
    aligned: frozenset[bytes]


def list_copy(
    raw: bytes,
    post: Post,
    mlist: MailingList,
    *,
    now: datetime,
    hostname: str,
    message_id: str,
    kept: KeptFrom | None = None,
    came: bytes | None = None,
    eight_bit: bool = True,
) -> ListCopy:
    """The copy of a post that was accepted. `now` is timezone-aware; `hostname` is ours;
    `message_id` ("<...>") is used only when the post has none. From is the list, unless it is
    `kept`; `came` is what its author has signed, where that is not `raw`. Without `eight_bit` the
    relay takes no octets above 127: they stay only in the author's header, and in what is signed or
    encrypted."""
    signed = raw if came is None else came
    draft = _Draft(raw, signed, post, mlist, now, hostname, message_id, eight_bit)
    copy = draft.with_authors_from(kept) if kept is not None else None
    return copy or draft.copy(from_kept=False)


@dataclass(frozen=True, slots=True)
class _Draft:
    """What a copy is made of: the arguments of `list_copy`."""

    raw: bytes
    signed: bytes
    post: Post
    mlist: MailingList
    now: datetime
    hostname: str
    message_id: str
    eight_bit: bool

    def with_authors_from(self, kept: KeptFrom) -> ListCopy | None:
        """The copy that passes DMARC by the author's own signature; None where there is none."""
        copy, message = self.copy(from_kept=True), split(self.signed)
        if copy.body != message.body:
            return None
        fields, _, _ = read_fields(copy.head)
        seconds = int(self.now.timestamp())
        whole = [
            one
            for one in untouched(message.fields, fields, kept.verified, seconds)
            if wire_field(one.field.raw) == one.field.raw
        ]
        if not any(one.digest in kept.aligned for one in whole):
            return None
        return replace(copy, shared=b"".join(one.field.raw for one in whole) + copy.shared)

    def copy(self, *, from_kept: bool) -> ListCopy:
        """The copy without any signature."""
        message, mlist = split(self.raw), self.mlist
        header, date = Header(message.fields), format_datetime(self.now)
        lines = [
            structured_line(h.RECEIVED, f"by {self.hostname} (listserv); {date}"),
            *_authors_and_changed(message.fields, header, self.post, mlist, from_kept),
        ]
        if not header.first(h.DATE):
            lines.append(structured_line(h.DATE, date))
        if not header.first(h.MESSAGE_ID):
            lines.append(structured_line(h.MESSAGE_ID, self.message_id))
        lines += list_fields(mlist)
        footer = mlist.settings.footer
        body = with_footer(self.raw, footer_text(mlist)) if footer else message.body
        shared, body = fitted(b"".join(lines), body, eight_bit=self.eight_bit)
        return ListCopy(
            shared=shared,
            unsubscribe=list_unsubscribe(mlist.addresses.of(Role.LEAVE)),
            body=body,
            eight_bit=not (shared.isascii() and body.isascii()),
            utf8=not shared.isascii() and _has_utf8_address(shared),
        )


def _authors_and_changed(
    fields: tuple[Field, ...], header: Header, post: Post, mlist: MailingList, from_kept: bool
) -> Iterator[bytes]:
    """From, Reply-To, and in their order the author's fields that stay, changed where ours say
    more."""
    author = header.chosen(h.FROM)
    if from_kept and author is not None:
        yield wire_field(author.raw)
    else:
        yield structured_line(h.FROM, write_mailbox(_from_name(post, mlist), mlist.address))
    yield from _reply_to(header, post, mlist, from_kept)
    prefix = mlist.settings.subject_prefix
    gained = "" if from_kept else _gained(header, post, mlist)
    for field in fields:
        becomes = outgoing_row(field.name).author
        if becomes is Becomes.FIRST and header.chosen(field.name) is not field:
            continue
        if becomes not in {Becomes.KEPT, Becomes.FIRST}:
            continue
        if _is_missing(field):
            continue
        if field.name == "subject" and prefix:
            yield with_prefix(wire_field(field.raw), prefix)
        elif field.name == "cc" and gained:
            yield _with_author(field, gained)
        else:
            yield wire_field(field.raw)
    if prefix and not header.fields(h.SUBJECT):
        yield with_prefix(b"Subject:\r\n", prefix)
    if gained and not header.fields(h.CC):
        yield structured_line(h.CC, gained)


def _is_missing(field: Field) -> bool:
    """A Date or Message-ID that says nothing; ours comes instead."""
    return field.name in {"date", "message-id"} and not field.text


def _from_name(post: Post, mlist: MailingList) -> str:
    """`Name via Title`; the title alone when the post has no one author. A name that holds an
    address, which filters take for a trick, gives way to what stands before the real one's @."""
    if post.author is None:
        return mlist.title
    via = f" via {mlist.title}"
    return f"{author_name(post).removesuffix(via)[:MAX_NAME]}{via}"


def author_name(post: Post) -> str:
    """The name to show of who wrote a post, "" when that is nobody."""
    if post.author is None:
        return ""
    name = post.author.name
    return post.author.address.local if not name or "@" in name else name


def _reply_to(header: Header, post: Post, mlist: MailingList, from_kept: bool) -> Iterator[bytes]:
    """Where replies go: the list, or the author as they wished. They go to a From that is kept
    anyway."""
    own = header.chosen(h.REPLY_TO)
    if mlist.settings.reply_to == "list":
        yield structured_line(h.REPLY_TO, mlist.address)
    elif own is not None and _names_somebody(own):
        yield wire_field(own.raw)
    elif post.author is not None and not from_kept:
        yield structured_line(h.REPLY_TO, _written(post.author))


def _names_somebody(field: Field) -> bool:
    return not too_long(field) and bool(read_mailboxes(field.text).mailboxes)


def _written(mailbox: Mailbox) -> str:
    return write_mailbox(mailbox.name, str(mailbox.address))


def _gained(header: Header, post: Post, mlist: MailingList) -> str:
    """The author, where Cc is to gain them so that a private answer is possible."""
    author = post.author
    if mlist.settings.reply_to != "list" or author is None or not str(author.address).isascii():
        return ""
    present = {mlist.address}
    for name in (h.TO, h.CC):
        field = header.chosen(name)
        if field is None:
            continue
        reading = read_mailboxes("" if too_long(field) else field.text)
        if name == h.CC and (too_long(field) or reading.odd):
            return ""  # what we cannot read we do not add to
        present |= {mailbox.address.key for mailbox in reading.mailboxes}
    return "" if author.address.key in present else _written(author)


def _with_author(field: Field, gained: str) -> bytes:
    kept = wire_field(field.raw).rstrip(b" \t\r\n,")
    if kept.endswith(b":"):
        return structured_line(h.CC, gained)
    return wire_field(kept + b",\r\n " + structured_line(h.CC, gained).partition(b": ")[2])


def list_fields(mlist: MailingList) -> Iterator[bytes]:
    """RFC 2919, RFC 2369 but for List-Unsubscribe, and what keeps robots quiet."""
    yield _list_id(mlist)
    addresses = mlist.addresses
    yield structured_line(h.LIST_HELP, f"<mailto:{addresses.request}?subject=help>")
    yield structured_line(h.LIST_SUBSCRIBE, f"<mailto:{addresses.of(Role.JOIN)}>")
    yield structured_line(h.LIST_POST, "NO" if mlist.is_announce else f"<mailto:{mlist.address}>")
    yield structured_line(h.LIST_OWNER, f"<mailto:{addresses.owner}>")
    yield structured_line(h.PRECEDENCE, "list")
    yield structured_line(h.X_AUTO_RESPONSE_SUPPRESS, h.SUPPRESS)


def list_unsubscribe(address: str, page: str = "") -> bytes:
    """List-Unsubscribe (RFC 2369 3.2): a mail to the address leaves the list; or better the page,
    where there is one."""
    first = f"<{page}>, " if page else ""
    return structured_line(h.LIST_UNSUBSCRIBE, f"{first}<mailto:{address}>")


def _list_id(mlist: MailingList) -> bytes:
    line = structured_line(h.LIST_ID, write_mailbox(mlist.title, mlist.list_id))
    if len(line) > _MAX_LIST_ID:
        return structured_line(h.LIST_ID, f"<{mlist.list_id}>")
    return line


def _has_utf8_address(head: bytes) -> bool:
    """Whether From, To, Cc or Reply-To of the finished header has an address that is not ASCII."""
    header = Header(split(head).fields)
    values = (header.first(name) for name in (h.FROM, h.TO, h.CC, h.REPLY_TO))
    return any(not a.isascii() for value in values for a in _IN_ADDRESS.findall(value))
