"""What is asked before each lease reads nothing of what waits behind it."""

from sqlalchemy import text
from sqlalchemy.dialects import sqlite

from listserv.store import pages, queue
from listserv.store.session import Store


def test_a_long_queue_is_not_read_to_find_a_mailing_without_batches(store: Store) -> None:
    """A thousand held posts are 20,000 notices to 20 moderators, and each lease asks."""
    if not store.is_sqlite:
        return
    for query in (queue._due().params(now=0, lowest=9), pages._unexpanded):
        compiled = query.compile(dialect=sqlite.dialect(), compile_kwargs={"literal_binds": True})
        plan = store.read(lambda tx: tx.execute(text(f"EXPLAIN QUERY PLAN {compiled}")).all())  # noqa: B023
        mailings = [
            row.detail for row in plan if row.detail.startswith("SEARCH mailing USING INDEX")
        ]
        assert [one for one in mailings if "ix_mailing_unexpanded" in one]
        # That which is asked about pauses looks for paused ones.
        assert sum("ix_mailing_state" in one for one in mailings) <= 1
