"""Who is to get a mailing: the roster is walked in pages, and each page becomes batches."""

from datetime import datetime

from listserv.domain.mailing import Mode
from listserv.store import pages
from listserv.store.session import Tx

# Members a transaction: few enough that what is on the wire need not wait for it.
PAGE = 4 * pages.BATCH_SIZE


def page(tx: Tx, burst_bytes: int, now: datetime, *, of_new: bool = False) -> bool:
    """Write the next page of batches, with `of_new` only the first of a mailing; whether there was
    one to write. Who joined after the mailing was made is not in it. A mailing whose copies
    together exceed `burst_bytes` goes out `batched`."""
    mailing = pages.unexpanded(tx, new=of_new)
    if mailing is None:
        return False
    members, last = pages.roster_page(tx, mailing, PAGE)
    if mailing.expanded_to == 0:
        readers = len(members)
        if not last:
            readers = pages.readers(tx, mailing.list_id)
        if readers * mailing.size > burst_bytes:
            pages.set_mode(tx, mailing.id, Mode.BATCHED)
    return pages.write_page(tx, mailing, members, last=last, now=now)
