"""Breaks, requests to join that wait for a person, and who was asked how often."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("member", sa.Column("kept", sa.String(length=10), nullable=True))
    op.add_column("member", sa.Column("until", sa.Date(), nullable=True))
    op.add_column("member", sa.Column("away_since", sa.BigInteger(), nullable=True))
    on_break = sa.text("until IS NOT NULL")
    op.create_index(
        "ix_member_until", "member", ["until"], sqlite_where=on_break, postgresql_where=on_break
    )
    op.add_column("confirmation", sa.Column("mailbox", sa.Text(), nullable=True))
    op.add_column("confirmation", sa.Column("asker", sa.Text(), nullable=True))
    op.create_index("ix_confirmation_mailbox", "confirmation", ["mailbox", "created"])
    op.create_index("ix_confirmation_created", "confirmation", ["created"])
    # Nothing refers to this table, so that SQLite may rebuild it.
    with op.batch_alter_table("held", table_kwargs={"sqlite_autoincrement": True}) as held:
        held.alter_column("post_id", existing_type=NUMBER, nullable=True)
        held.add_column(sa.Column("request", sa.JSON(), nullable=True))
