"""Addresses that members post from beside their own. Each stands as text among the settings of its
member and here, where it is looked up; `members.change` and `members.leave` write both."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import delete, exists, insert, select

from listserv.domain.address import Address
from listserv.domain.members import Member
from listserv.policy.linked import mailbox_key
from listserv.store.session import Tx
from listserv.store.tables import LinkedAddressRow, MemberRow


@dataclass(frozen=True, slots=True)
class Link:
    """Whose a linked address is: the member's own address and its key."""

    owner: str
    owner_key: str


def replace(tx: Tx, member: Member, addresses: Sequence[Address]) -> None:
    """Let a member post from these addresses and no others beside their own. The caller holds the
    list's lock and knows that nobody else has one of them."""
    tx.execute(delete(LinkedAddressRow).where(LinkedAddressRow.member_id == member.id))
    rows = [
        {
            "list_id": member.list_id,
            "address_key": address.key,
            "mailbox": mailbox_key(address),
            "member_id": member.id,
        }
        for address in addresses
    ]
    if rows:
        tx.execute(insert(LinkedAddressRow), rows)


def are_there(tx: Tx, list_id: int) -> bool:
    """Whether a list has any linked address."""
    return bool(
        tx.execute(select(exists().where(LinkedAddressRow.list_id == list_id))).scalar_one()
    )


def holders(tx: Tx, list_id: int, mailboxes: Sequence[str]) -> dict[str, Link]:
    """Of these mailboxes (`policy.linked.mailbox_key`, at most a thousand) those to which a linked
    address leads, and whose it is."""
    rows = tx.execute(
        select(LinkedAddressRow.mailbox, MemberRow.address, MemberRow.address_key)
        .join(MemberRow, MemberRow.id == LinkedAddressRow.member_id)
        .where(LinkedAddressRow.list_id == list_id, LinkedAddressRow.mailbox.in_(mailboxes))
    )
    return {row.mailbox: Link(row.address, row.address_key) for row in rows}
