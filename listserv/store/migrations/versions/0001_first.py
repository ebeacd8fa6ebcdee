"""The first schema."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

# SQLite numbers rows by themselves only in columns of exactly this type.
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "counter",
        sa.Column("list_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("minute", sa.BigInteger(), nullable=False),
        sa.Column("count", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("list_id", "name", "minute", name=op.f("pk_counter")),
    )
    op.create_table(
        "list",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("list_id", sa.String(length=290), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("on_hold", sa.Boolean(), nullable=False),
        sa.Column("last_number", sa.BigInteger(), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_list")),
        sa.UniqueConstraint("name", "domain", name=op.f("uq_list_name_domain")),
        sqlite_autoincrement=True,
    )
    op.create_table(
        "message",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("raw", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message")),
    )
    op.create_table(
        "site",
        sa.Column("key", sa.String(length=40), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_site")),
    )
    op.create_table(
        "ban",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("list_id", NUMBER, nullable=True),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["list.id"], name=op.f("fk_ban_list_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ban")),
    )
    op.create_index("ix_ban_pattern", "ban", ["pattern"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("list_id", NUMBER, nullable=True),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("who", sa.Text(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["list.id"], name=op.f("fk_event_list_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
    )
    op.create_index("ix_event_list_id", "event", ["list_id", "id"], unique=False)
    op.create_table(
        "former_address",
        sa.Column("name", sa.String(length=30), nullable=False),
        sa.Column("domain", sa.String(length=255), nullable=False),
        sa.Column("list_id", NUMBER, nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["list.id"], name=op.f("fk_former_address_list_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("name", "domain", name=op.f("pk_former_address")),
    )
    op.create_index(op.f("ix_former_address_list_id"), "former_address", ["list_id"], unique=False)
    op.create_table(
        "member",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("list_id", NUMBER, nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=10), nullable=False),
        sa.Column("delivery", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("settings", sa.JSON(), nullable=False),
        sa.Column("joined", sa.BigInteger(), nullable=False),
        sa.Column("left", sa.BigInteger(), nullable=True),
        sa.Column("began", sa.Text(), nullable=False),
        sa.Column("posts", sa.BigInteger(), nullable=False),
        sa.Column("cursor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["list.id"], name=op.f("fk_member_list_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_member")),
        sa.UniqueConstraint("list_id", "address_key", name=op.f("uq_member_list_id_address_key")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_member_address_key", "member", ["address_key"], unique=False)
    op.create_index(
        "ix_member_fan_out", "member", ["list_id", "state", "delivery", "id"], unique=False
    )
    op.create_table(
        "post",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("list_id", NUMBER, nullable=False),
        sa.Column("raw_id", NUMBER, nullable=True),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("dedupe", sa.LargeBinary(), nullable=False),
        sa.Column("body_hash", sa.LargeBinary(), nullable=False),
        sa.Column("author_key", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("received", sa.BigInteger(), nullable=False),
        sa.Column("verdict", sa.String(length=10), nullable=False),
        sa.Column("reasons", sa.JSON(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("accepted", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["list_id"], ["list.id"], name=op.f("fk_post_list_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["raw_id"], ["message.id"], name=op.f("fk_post_raw_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_post")),
    )
    op.create_index("ix_post_accepted", "post", ["list_id", "accepted"], unique=False)
    op.create_index("ix_post_across", "post", ["dedupe"], unique=False)
    op.create_index("ix_post_dedupe", "post", ["list_id", "dedupe"], unique=False)
    op.create_index("ix_post_number", "post", ["list_id", "number"], unique=True)
    op.create_index("ix_post_raw_id", "post", ["raw_id"], unique=False)
    op.create_table(
        "held",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("list_id", NUMBER, nullable=False),
        sa.Column("post_id", NUMBER, nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("decided", sa.BigInteger(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["list.id"], name=op.f("fk_held_list_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["post_id"], ["post.id"], name=op.f("fk_held_post_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_held")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_held_post_id"), "held", ["post_id"], unique=False)
    op.create_index("ix_held_state", "held", ["state", "list_id"], unique=False)
    op.create_table(
        "mailing",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("list_id", NUMBER, nullable=True),
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("mode", sa.String(length=10), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("post_id", NUMBER, nullable=True),
        sa.Column("message_id", NUMBER, nullable=True),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("finished", sa.BigInteger(), nullable=True),
        sa.Column("expanded", sa.Boolean(), nullable=False),
        sa.Column("expanded_to", sa.BigInteger(), nullable=False),
        sa.Column("ordinals", sa.Integer(), nullable=False),
        sa.Column("resume", sa.BigInteger(), nullable=True),
        sa.Column("pauses", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["list.id"], name=op.f("fk_mailing_list_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_mailing_message_id")),
        sa.ForeignKeyConstraint(
            ["post_id"], ["post.id"], name=op.f("fk_mailing_post_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailing")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_mailing_message_id", "mailing", ["message_id"], unique=False)
    op.create_index("ix_mailing_post_id", "mailing", ["post_id"], unique=False)
    op.create_index("ix_mailing_state", "mailing", ["state"], unique=False)
    op.create_index(
        "ix_mailing_unexpanded",
        "mailing",
        ["expanded", "lane"],
        unique=False,
        sqlite_where=sa.text("NOT expanded"),
    )
    op.create_table(
        "batch",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("mailing_id", NUMBER, nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("poisoned", sa.Boolean(), nullable=False),
        sa.Column("worker", sa.Text(), nullable=False),
        sa.Column("lease_until", sa.BigInteger(), nullable=True),
        sa.Column("fence", sa.BigInteger(), nullable=False),
        sa.Column("members", sa.LargeBinary(), nullable=False),
        sa.Column("progress", sa.LargeBinary(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("delivered", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("skipped", sa.Integer(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailing.id"], name=op.f("fk_batch_mailing_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_batch")),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_batch_mailing_id", "batch", ["mailing_id", "state"], unique=False)
    op.create_index("ix_batch_next", "batch", ["state", "lane", "ordinal", "id"], unique=False)
    op.create_table(
        "quarantine",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("mailing_id", NUMBER, nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("why", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailing.id"], name=op.f("fk_quarantine_mailing_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_quarantine")),
    )  # fmt: skip
    op.create_index(op.f("ix_quarantine_mailing_id"), "quarantine", ["mailing_id"], unique=False)
    op.create_table(
        "refusal",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("member_id", sa.BigInteger(), nullable=False),
        sa.Column("mailing_id", NUMBER, nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["mailing_id"], ["mailing.id"], name=op.f("fk_refusal_mailing_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refusal")),
    )
    op.create_index(op.f("ix_refusal_mailing_id"), "refusal", ["mailing_id"], unique=False)
    op.create_index("ix_refusal_member_id", "refusal", ["member_id", "at"], unique=False)
