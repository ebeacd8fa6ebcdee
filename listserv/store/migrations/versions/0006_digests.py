"""What digests are made of, the issues that were made, and when a member's next one is due."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "rendering",
        sa.Column("post_id", NUMBER, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("rest", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["post_id"], ["post.id"], name=op.f("fk_rendering_post_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("post_id", name=op.f("pk_rendering")),
    )
    op.create_table(
        "issue",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("list_id", NUMBER, nullable=False),
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["list.id"], name=op.f("fk_issue_list_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue")),
        sa.UniqueConstraint("list_id", "key", name=op.f("uq_issue_list_id_key")),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_issue_created"), "issue", ["created"])
    op.create_table(
        "issue_part",
        sa.Column("issue_id", NUMBER, nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("posts", sa.JSON(), nullable=False),
        sa.Column("raw_id", NUMBER, nullable=True),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issue.id"], name=op.f("fk_issue_part_issue_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["raw_id"], ["message.id"], name=op.f("fk_issue_part_raw_id")),
        sa.PrimaryKeyConstraint("issue_id", "part", name=op.f("pk_issue_part")),
    )
    op.create_index(op.f("ix_issue_part_message_id"), "issue_part", ["message_id"])
    op.create_index(op.f("ix_issue_part_raw_id"), "issue_part", ["raw_id"])
    op.add_column("post", sa.Column("answers", sa.JSON(), nullable=True))
    for name in ("digest_from", "owed_from", "owed_to", "digest_due"):
        op.add_column("member", sa.Column(name, sa.BigInteger(), nullable=True))
    reads = sa.text("digest_from IS NOT NULL")
    op.create_index("ix_member_digest_from", "member", ["list_id", "digest_from"],
                    sqlite_where=reads, postgresql_where=reads)  # fmt: skip
    waits = sa.text("digest_due IS NOT NULL")
    op.create_index("ix_member_digest_due", "member", ["digest_due"],
                    sqlite_where=waits, postgresql_where=waits)  # fmt: skip
    # Who reads digests by now gets the first one, of all that has waited, at once.
    op.execute(
        "UPDATE member SET digest_from = cursor, digest_due = 1"
        " WHERE delivery = 'digest' AND state = 'active'"
    )
