"""What came back of our mail, what of it counts, and whose mail is stopped for it."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"

NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "bounce",
        sa.Column("id", NUMBER, nullable=False),
        sa.Column("list_id", NUMBER, nullable=False),
        sa.Column("member_id", NUMBER, nullable=False),
        sa.Column("mailing_id", sa.BigInteger(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(10), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["list.id"], name=op.f("fk_bounce_list_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_bounce_member_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bounce")),
        sa.UniqueConstraint("member_id", "mailing_id", name=op.f("uq_bounce_member_id_mailing_id")),
    )
    op.create_index("ix_bounce_mailing_id", "bounce", ["mailing_id", "domain", "kind"])
    op.create_index("ix_bounce_list_id", "bounce", ["list_id", "member_id"])
    op.create_index("ix_bounce_at", "bounce", ["at"])
    is_new = sa.text("state = 'new'")
    op.create_index("ix_bounce_new", "bounce", ["list_id", "id"],
                    sqlite_where=is_new, postgresql_where=is_new)  # fmt: skip
    op.create_table(
        "excused",
        sa.Column("mailing_id", sa.BigInteger(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("list_id", NUMBER, nullable=False),
        sa.Column("why", sa.String(10), nullable=False),
        sa.Column("members", sa.BigInteger(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["list.id"], name=op.f("fk_excused_list_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mailing_id", "domain", name=op.f("pk_excused")),
    )
    op.create_index(op.f("ix_excused_list_id"), "excused", ["list_id"])
    op.create_index(op.f("ix_excused_at"), "excused", ["at"])
    op.create_table(
        "probe",
        sa.Column("mailing_id", sa.BigInteger(), nullable=False),
        sa.Column("member_id", NUMBER, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_probe_member_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("mailing_id", name=op.f("pk_probe")),
    )
    op.create_index(op.f("ix_probe_member_id"), "probe", ["member_id"])
    op.create_table(
        "suspension",
        sa.Column("member_id", NUMBER, nullable=False),
        sa.Column("list_id", NUMBER, nullable=False),
        sa.Column("why", sa.String(20), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["member_id"], ["member.id"], name=op.f("fk_suspension_member_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["list_id"], ["list.id"], name=op.f("fk_suspension_list_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("member_id", name=op.f("pk_suspension")),
    )
    op.create_index(op.f("ix_suspension_list_id"), "suspension", ["list_id"])
    op.add_column("member", sa.Column("domain", sa.Text(), nullable=False, server_default=""))
    op.add_column("member", sa.Column("bounces_from", sa.BigInteger(), nullable=True))
    _fill_in_domains()
    op.create_index("ix_member_domain", "member", ["list_id", "domain", "state"])
    yes = "1" if op.get_bind().dialect.name == "sqlite" else "true"
    # What was refused before there were rules stays as it was.
    op.add_column(
        "refusal",
        sa.Column("weighed", sa.Boolean(), nullable=False, server_default=sa.text(yes)),
    )
    is_left = sa.text("NOT weighed")
    op.create_index("ix_refusal_new", "refusal", ["id"],
                    sqlite_where=is_left, postgresql_where=is_left)  # fmt: skip


def _fill_in_domains() -> None:
    """Of the addresses that there are. An @ in a quoted local part is rare enough to be looked at
    one by one."""
    first = "substr(address_key, {at}(address_key, '@') + 1)"
    at = "instr" if op.get_bind().dialect.name == "sqlite" else "strpos"
    op.execute(f"UPDATE member SET domain = {first.format(at=at)}")  # noqa: S608
    member = sa.table("member", sa.column("id"), sa.column("domain"))
    quoted = sa.select(member).where(member.c.domain.contains("@"))
    for number, domain in op.get_bind().execute(quoted).all():
        op.execute(
            sa.update(member).where(member.c.id == number).values(domain=domain.rpartition("@")[2])
        )
