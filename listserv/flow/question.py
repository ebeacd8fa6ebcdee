"""A question is mailed to somebody: its token stands in the address to which they reply."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from listserv.domain.tokens import RANDOM_TOKEN_BYTES, random_token
from listserv.flow.site import Site
from listserv.store import confirmations
from listserv.store.confirmations import Confirmation
from listserv.store.session import Tx

# So long an answer counts.
OPEN_FOR = timedelta(days=14)


def new_question(
    tx: Tx,
    site: Site,
    kind: str,
    address: str,
    data: Mapping[str, Any],
    now: datetime,
    *,
    list_id: int | None = None,
    member_id: int | None = None,
) -> Confirmation:
    """Store a question of a kind in flow.confirm.KINDS that goes to `address`; whoever asks mails
    it in the same transaction, with the reply address -confirm+TOKEN."""
    question = Confirmation(
        token=random_token(site.nonce(RANDOM_TOKEN_BYTES)),
        kind=kind,
        list_id=list_id,
        member_id=member_id,
        address=address,
        data=data,
        created=now,
        expires=now + OPEN_FOR,
        confirmed=None,
        replies=0,
    )
    confirmations.add(tx, question)
    return question
