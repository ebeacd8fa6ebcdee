"""To whom a held post was shown, by which tokens they answer, and what comes next."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "moderation",
        sa.Column("token", sa.String(length=24), nullable=False),
        sa.Column("held_id", NUMBER, nullable=False),
        sa.Column("member_id", NUMBER, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["held_id"], ["held.id"], name=op.f("fk_moderation_held_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_moderation_member_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_moderation")),
        sa.UniqueConstraint("held_id", "member_id", name=op.f("uq_moderation_held_id_member_id")),
    )
    op.create_index(op.f("ix_moderation_member_id"), "moderation", ["member_id"])
    op.add_column("held", sa.Column("step", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("held", sa.Column("next", sa.BigInteger(), nullable=True))
    waits = sa.text("next IS NOT NULL")
    op.create_index("ix_held_next", "held", ["next"], sqlite_where=waits, postgresql_where=waits)
    # What is held by now is shown to moderators at once.
    op.execute("UPDATE held SET next = since WHERE state = 'held'")
