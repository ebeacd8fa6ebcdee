"""Addresses that members post from, who wrote a post, and DKIM signatures that were used."""

import sqlalchemy as sa
from alembic import op

from listserv.domain.address import Address
from listserv.policy.linked import mailbox_key

revision = "0003"
down_revision = "0002"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
PAGE = 10_000


def upgrade() -> None:
    op.create_table(
        "linked_address",
        sa.Column("list_id", NUMBER, nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("mailbox", sa.Text(), nullable=False),
        sa.Column("member_id", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["list.id"], name=op.f("fk_linked_address_list_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_linked_address_member_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("list_id", "address_key", name=op.f("pk_linked_address")),
    )  # fmt: skip
    op.create_index("ix_linked_address_mailbox", "linked_address", ["list_id", "mailbox"])
    op.create_index(op.f("ix_linked_address_member_id"), "linked_address", ["member_id"])
    op.add_column("post", sa.Column("member_id", sa.BigInteger(), nullable=True))
    op.execute(
        "UPDATE post SET member_id = (SELECT member.id FROM member WHERE"
        " member.list_id = post.list_id AND member.address_key = post.author_key)"
    )
    op.add_column("member", sa.Column("mailbox", sa.Text(), nullable=True))
    _fill_mailboxes(op.get_bind())
    there = sa.text("mailbox IS NOT NULL")
    op.create_index(
        "ix_member_mailbox", "member", ["list_id", "mailbox"],
        sqlite_where=there, postgresql_where=there,
    )  # fmt: skip
    op.create_table(
        "used_signature",
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("digest", "recipient", name=op.f("pk_used_signature")),
    )
    op.create_index(op.f("ix_used_signature_until"), "used_signature", ["until"])


def _fill_mailboxes(tx: sa.Connection) -> None:
    member = sa.table(
        "member", sa.column("id"), sa.column("address"), sa.column("address_key"),
        sa.column("mailbox"),
    )  # fmt: skip
    page = sa.select(member.c.id, member.c.address, member.c.address_key).order_by(member.c.id)
    change = sa.update(member).where(member.c.id == sa.bindparam("number"))
    after = 0
    while rows := tx.execute(page.where(member.c.id > after).limit(PAGE)).all():
        after = rows[-1].id
        changed = []
        for number, address, key in rows:
            local, _, domain = address.rpartition("@")
            mailbox = mailbox_key(Address(local, domain))
            if mailbox != key:
                changed.append({"number": number, "mailbox": mailbox})
        if changed:
            tx.execute(change, changed)
