"""Who wrote it: SPF, DKIM and DMARC of a mail that comes in, as one value (domain/authorship.py).

Nothing here decides what follows. It runs in threads of its own, before any transaction; its
lookups have a time budget (listserv/resolver.py). Only where nothing is to be verified or asked, as
for what a trusted MTA hands in of a domain known already, it does without a thread.
"""

import asyncio
import logging
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor

from listserv.clock import Clock
from listserv.domain.address import parse_address
from listserv.domain.authorship import Authorship, Level
from listserv.domain.network import read_ip
from listserv.domain.post import Incoming, Post
from listserv.mail.authres import Result, believed
from listserv.mail.parse import MAX_HEADER
from listserv.resolver import Inquiry, Resolver
from listserv.smtp.dkim_check import Checker, may_be_signed
from listserv.smtp.evidence import DNS_SILENT, AuthorDomain, Evidence, judge
from listserv.smtp.spf import Sent, check_spf

log = logging.getLogger("listserv.authenticate")

# Most of these wait for the DNS; one client may have fewer connections (Limits.per_ip).
_THREADS = 64

# So large a mail without a signature is looked at in less time than a thread takes.
_SMALL = 16 * 1024

# Why an author is not proven, to follow "its author is not proven:".
NO_AUTHOR = "From does not name exactly one person"
NOT_LOOKED = "we could not look, by a fault of our own"


class Authenticator:
    """Authenticates mail. `trusts` says whether an IP address is a trusted MTA's; `authserv_ids`
    are the names whose Authentication-Results count when such an MTA hands the mail in. From the
    final dot to the answer there are 20 s (Limits.answer_seconds): `seconds` of them are ours."""

    def __init__(
        self,
        resolver: Resolver,
        clock: Clock,
        trusts: Callable[[str], bool],
        authserv_ids: Iterable[str] = (),
        seconds: float = 14.0,
    ) -> None:
        self._resolver = resolver
        self._clock = clock
        self._trusts = trusts
        self._authserv_ids = frozenset(authserv_ids)
        self._seconds = seconds
        self._threads = ThreadPoolExecutor(_THREADS, "authenticate")

    async def authenticate(self, incoming: Incoming, post: Post) -> Authorship:
        """How far the author of `post` (`incoming.raw`, read) is believed. Never raises."""
        known = self._at_once(incoming, post)
        if known is not None:
            return known
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(self._seconds):
                return await loop.run_in_executor(self._threads, self._guarded, incoming, post)
        except TimeoutError:
            return Authorship(Level.UNPROVEN, (DNS_SILENT,), temporary=True)

    def _at_once(self, incoming: Incoming, post: Post) -> Authorship | None:
        """How far, when that takes no thread."""
        if len(incoming.raw) > _SMALL or may_be_signed(incoming.raw):
            return None
        inquiry = self._resolver.inquiry(asks=False)
        try:
            if self._sent(incoming) is not None:
                return None
            found = self._authorship(incoming, post, inquiry, None)
        except Exception:
            return None  # the thread will say so, to which the same happens
        return None if inquiry.missed else found

    def _guarded(self, incoming: Incoming, post: Post) -> Authorship:
        try:
            sent = self._sent(incoming)
            return self._authorship(incoming, post, self._resolver.inquiry(), sent)
        except Exception:
            log.exception("a mail could not be authenticated")
            return Authorship(Level.UNPROVEN, (NOT_LOOKED,), temporary=True)

    def _authorship(
        self, incoming: Incoming, post: Post, inquiry: Inquiry, sent: Sent | None
    ) -> Authorship:
        """`sent`: see `_sent`."""
        if post.author is None or post.author.address.domain.startswith("["):
            return Authorship(Level.UNPROVEN, (NO_AUTHOR,))
        # First, so that slow answers of others do not cost the author's domain its time.
        author = AuthorDomain(post.author.address.domain, inquiry)
        checker = Checker(incoming.raw, MAX_HEADER, self._clock.now().timestamp())
        signatures = checker.check(inquiry, (author.name, author.organization))
        evidence = Evidence(
            signatures=signatures,
            spf=check_spf(sent, inquiry) if sent is not None else None,
            spf_domain=_spf_domain(incoming, sent),
            null_sender=not incoming.sender,
            told=self._told(incoming, checker),
        )
        return judge(evidence, author)

    def _sent(self, incoming: Incoming) -> Sent | None:
        """Who sent the mail; None when a trusted MTA did not tell whom it has it from."""
        client = incoming.client
        if client.trusted and self._trusts(client.address):
            return None
        address = read_ip(client.address)
        return None if address is None else Sent(str(address), incoming.sender, client.helo)

    def _told(self, incoming: Incoming, checker: Checker) -> tuple[Result, ...]:
        if not (incoming.client.trusted and self._authserv_ids):
            return ()
        return believed(checker.fields, self._authserv_ids)


def _spf_domain(incoming: Incoming, sent: Sent | None) -> str:
    """The domain that SPF speaks of, as A-labels: of MAIL FROM or, for the null sender, of the
    client's HELO. "" when there is none."""
    helo = f"postmaster@{sent.helo}" if sent is not None else ""
    address = parse_address(incoming.sender or helo)
    return address.domain if address is not None else ""
