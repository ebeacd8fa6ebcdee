"""Who wrote a post, by which paths a member's mail is familiar, and what was asked by mail."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.add_column("post", sa.Column("authorship", sa.JSON(), nullable=True))
    op.add_column("held", sa.Column("due", sa.BigInteger(), nullable=True))
    op.create_table(
        "familiar_path",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("member_id", NUMBER, nullable=False),
        sa.Column("dkim", sa.Text(), nullable=False),
        sa.Column("spf", sa.Text(), nullable=False),
        sa.Column("confirmed", sa.BigInteger(), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_familiar_path_member_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_familiar_path")),
        sa.UniqueConstraint(
            "member_id", "dkim", "spf", name=op.f("uq_familiar_path_member_id_dkim_spf")
        ),
    )  # fmt: skip
    op.create_table(
        "confirmation",
        sa.Column("token", sa.String(length=24), nullable=False),
        sa.Column("kind", sa.String(length=20), nullable=False),
        sa.Column("list_id", NUMBER, nullable=True),
        sa.Column("member_id", NUMBER, nullable=True),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("data", sa.JSON(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("confirmed", sa.BigInteger(), nullable=True),
        sa.Column("replies", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["list.id"], name=op.f("fk_confirmation_list_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_confirmation_member_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_confirmation")),
    )  # fmt: skip
    op.create_index(op.f("ix_confirmation_expires"), "confirmation", ["expires"], unique=False)
    op.create_index(op.f("ix_confirmation_list_id"), "confirmation", ["list_id"], unique=False)
    op.create_index(op.f("ix_confirmation_member_id"), "confirmation", ["member_id"], unique=False)
    op.create_table(
        "deferral",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_deferral")),
    )
    op.create_table(
        "said",
        sa.Column("what", sa.String(length=20), nullable=False),
        sa.Column("whom", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("what", "whom", name=op.f("pk_said")),
    )
