"""What all copies of one mailing share: made once, from the post or the notice, and kept while its
batches are worked on."""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from listserv.domain.address import Role
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.mailing import Kind, Mailing, Mode
from listserv.domain.tokens import own_message_id
from listserv.domain.transaction import dot_stuff, is_dotless
from listserv.flow import meant
from listserv.flow.facts import author_of
from listserv.flow.site import Site
from listserv.mail.outgoing import KeptFrom, list_copy, list_unsubscribe
from listserv.mail.parse import parse
from listserv.mail.personal import ONE_CLICK, personal_form
from listserv.mail.sign import Form, Prepared
from listserv.policy.from_rewrite import keeps_from
from listserv.store import lists, posts
from listserv.store.session import Tx

# A post of 20 MB each is the worst case.
_KEPT = 8
_ONE_PIECE = 65_536


@dataclass(frozen=True)
class Source:
    """`data` is ready for the wire, `dotless` when no line of it begins with a dot; in `personal`
    mode it is what follows each copy's own fields, which are `form` filled in and signed by
    `prepared`. `domain` is whose mail it is. Of a post, `number` is its acceptance number, `author`
    and `named` (To and Cc) are address keys, `earlier` the lists whose readers have it already."""

    mlist: MailingList | None
    mode: Mode
    data: tuple[bytes, ...]
    domain: str
    eight_bit: bool = False
    utf8: bool = False
    dotless: bool = False
    form: Form | None = None
    prepared: Prepared | None = None
    number: int | None = None
    author: str = ""
    named: frozenset[str] = frozenset()
    earlier: Sequence[tuple[int, datetime]] = ()


class Sources:
    """The sources of the mailings that are worked on now. `seven_bit`: the relay does not take
    8-bit text, so it is encoded, before it is signed."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._known: OrderedDict[tuple[int, bool], Source] = OrderedDict()
        self.seven_bit = False

    def get(self, tx: Tx, mailing: Mailing, now: datetime) -> Source:
        """The source of a mailing. Raises ListservError when what it was made of is gone."""
        key = mailing.id, self.seven_bit
        known = self._known.get(key)
        if known is None:
            made = _MADE[mailing.kind]
            known = self._known[key] = made(tx, self._site, mailing, key[1], now)
        self._known.move_to_end(key)
        if len(self._known) > _KEPT:
            self._known.popitem(last=False)
        return known


def _notice(tx: Tx, site: Site, mailing: Mailing, seven: bool, now: datetime) -> Source:
    if mailing.message is None:
        raise ListservError("its message is gone")
    mlist = lists.get(tx, mailing.list_id) if mailing.list_id is not None else None
    domain = mlist.domain if mlist is not None else _domain_of_author(mailing.message)
    signer = site.signers(domain)
    signature = signer.signature(mailing.message, now) if signer is not None else b""
    data = (dot_stuff(signature + mailing.message),)
    eight_bit = not mailing.message.isascii()
    return Source(mlist, Mode.VERP, data, domain, eight_bit, dotless=is_dotless(data))


def _domain_of_author(notice: bytes) -> str:
    """Of a notice that no list sends: our robot wrote it, at the domain that it is about."""
    author = parse(notice).author
    if author is None:
        raise ListservError("nobody wrote it")
    return author.address.domain


def _post(tx: Tx, site: Site, mailing: Mailing, seven: bool, now: datetime) -> Source:
    came = posts.raw(tx, mailing.post_id) if mailing.post_id is not None else None
    if came is None or mailing.list_id is None or mailing.post_id is None:
        raise ListservError("its post is gone")
    mlist = lists.get(tx, mailing.list_id)
    stored = posts.get(tx, mailing.post_id)
    raw = meant.of(tx, site, stored, came)
    post = parse(raw)
    author = author_of(tx, stored)
    kept = None
    if keeps_from(mlist.settings, post, stored.authorship.policy):
        aligned = frozenset(signature.digest for signature in stored.authorship.aligned)
        kept = KeptFrom(frozenset(stored.authorship.path.dkim), aligned)
    # The same for every copy and every attempt, also when the author's mail had none.
    message_id = own_message_id(site.secret, mailing.id.to_bytes(10, "big"), site.hostname)
    copy = list_copy(
        raw,
        post,
        mlist,
        now=mailing.created,
        hostname=site.hostname,
        message_id=message_id,
        kept=kept,
        came=came,
        eight_bit=not seven,
    )
    source = _source(site, mailing, mlist, copy.shared, copy.unsubscribe, copy.body, now)
    return replace(
        source,
        eight_bit=copy.eight_bit,
        utf8=copy.utf8,
        number=stored.number,
        author=author.address.key if author is not None else stored.author_key,
        named=frozenset(address.key for address in post.to_cc),
        earlier=posts.earlier_elsewhere(tx, stored),
    )


def _digest(tx: Tx, site: Site, mailing: Mailing, seven: bool, now: datetime) -> Source:
    if mailing.message is None or mailing.list_id is None:
        raise ListservError("its message is gone")
    mlist = lists.get(tx, mailing.list_id)
    head, _, body = mailing.message.partition(b"\r\n\r\n")
    unsubscribe = list_unsubscribe(mlist.addresses.of(Role.LEAVE))
    return _source(site, mailing, mlist, head + b"\r\n", unsubscribe, body, now)


def _source(
    site: Site,
    mailing: Mailing,
    mlist: MailingList,
    shared: bytes,
    unsubscribe: bytes,
    body: bytes,
    now: datetime,
) -> Source:
    """Signed for all, or prepared to be signed for each."""
    form, prepared, signature = None, None, b""
    signer, url = site.signers(mlist.domain), site.urls.get(mlist.domain, "")
    if mailing.mode is Mode.PERSONAL:
        form, head = personal_form(mlist, url), shared
        if signer is not None and url:
            head += ONE_CLICK
    else:
        head = shared + unsubscribe
    if signer is not None:
        prepared = signer.prepare(head, (body,), now, form)
        if form is None:
            signature, prepared = prepared.sign(), None
    data = _on_the_wire(signature + head + b"\r\n", body)
    dotless = is_dotless(data)
    return Source(
        mlist, mailing.mode, data, mlist.domain, dotless=dotless, form=form, prepared=prepared
    )


_MADE = {Kind.NOTICE: _notice, Kind.POST: _post, Kind.DIGEST: _digest}


def _on_the_wire(head: bytes, body: bytes) -> tuple[bytes, ...]:
    """Dots stuffed, the last line ended. A small message is one piece: one copy less each time."""
    if body and not body.endswith(b"\r\n"):
        body += b"\r\n"  # canonicalisation adds it too (RFC 6376 3.4.4)
    if len(body) <= _ONE_PIECE:
        return (dot_stuff(head + body),)
    return (dot_stuff(head), dot_stuff(body))
