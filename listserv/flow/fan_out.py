"""Who is to get a mailing: the roster is walked in pages, and each page becomes batches."""

from datetime import datetime

from listserv.store import queue
from listserv.store.session import Tx

# Members a transaction: 20 batches, a few milliseconds under the writer's lock.
PAGE = 20 * queue.BATCH_SIZE


def page(tx: Tx, now: datetime, *, of_new: bool = False) -> bool:
    """Write the next page of batches, with `of_new` only the first of a mailing; whether there was
    one to write. Who joined after the mailing was made is not in it."""
    mailing = queue.unexpanded(tx, new=of_new)
    if mailing is None:
        return False
    members = queue.roster_page(tx, mailing.list_id, mailing.expanded_to, mailing.created, PAGE)
    return queue.write_page(tx, mailing, members, last=len(members) < PAGE, now=now)
