"""Two members of a list never claim the same address: neither as their own while another posts
from it, nor as one that both post from. Spellings of one mailbox are the same address here."""

from collections.abc import Collection, Sequence
from datetime import datetime

from listserv.domain.address import Address
from listserv.domain.errors import ListservError
from listserv.domain.lists import MailingList
from listserv.domain.members import Member
from listserv.flow.address_input import new_address, ours
from listserv.policy.linked import mailbox_key
from listserv.store import bans, linked, members
from listserv.store.session import Tx


class Claims:
    """What may be claimed on one list, whose lock the caller holds. `domains` are the site's.
    Everything here raises ListservError, for the first address that is wrong."""

    def __init__(self, tx: Tx, mlist: MailingList, domains: Collection[str], now: datetime) -> None:
        self._tx = tx
        self._mlist = mlist
        self._banned = bans.patterns(tx, mlist.id, now)
        self._is_ours = ours(tx, domains)

    def is_banned(self, address: Address) -> bool:
        return bans.any_of(self._banned, address)

    def refuse_circle(self, address: Address) -> None:
        """For an address of ours."""
        if self._is_ours(address):
            raise ListservError(f"{address} is an address of a list: mail would go in circles")

    def refuse_banned(self, address: Address) -> None:
        if self.is_banned(address):
            at = self._mlist.address
            raise ListservError(f"{address} is banned from {at}; see `listserv ban ls`")

    def refuse_own(self, addresses: Sequence[Address]) -> None:
        """For the own address of a member to be from which somebody else posts."""
        for address, why in self.linked_among(addresses).items():
            raise ListservError(f"{address} {why}")

    def linked_among(self, addresses: Sequence[Address]) -> dict[Address, str]:
        """Those of these own addresses from which somebody else posts, and whose they are, as a
        clause."""
        claimed = linked.holders(self._tx, self._mlist.id, [mailbox_key(a) for a in addresses])
        links = {address: claimed.get(mailbox_key(address)) for address in addresses if claimed}
        return {
            address: self._is_linked(link.owner)
            for address, link in links.items()
            if link is not None and link.owner_key != address.key
        }

    def refuse_also(self, member: Member, also: Sequence[Address]) -> None:
        """For an address that a member cannot post from beside their own."""
        for address in also:
            try:
                self._refuse_also(member, new_address(str(address)))
            except ListservError as wrong:
                raise ListservError(f"also: {wrong}") from None

    def _refuse_also(self, member: Member, address: Address) -> None:
        if address.key == member.address.key:
            raise ListservError(f"{address} is their own address; name others only")
        self.refuse_circle(address)
        self.refuse_banned(address)
        for other in members.of_mailbox(self._tx, self._mlist.id, address):
            if other.id != member.id:
                raise ListservError(f"{address} {self._is_taken(address, other)}")

    def _is_taken(self, address: Address, other: Member) -> str:
        if mailbox_key(other.address) != mailbox_key(address):
            return self._is_linked(str(other.address))
        if other.address.key == address.key:
            return f"is a member of {self._mlist.address}"
        return f"is the mailbox of {other.address}, a member of {self._mlist.address}"

    def _is_linked(self, owner: str) -> str:
        at = self._mlist.address
        return f"is an address that {owner} posts from to {at}; take it out of their `also` first"
