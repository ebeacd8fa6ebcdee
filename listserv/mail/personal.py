"""The header fields of one recipient's copy, in the place of ListCopy.unsubscribe."""

from collections.abc import Sequence

from listserv.domain.address import MAX_TOKEN, Role
from listserv.domain.lists import MailingList
from listserv.domain.tokens import Purpose, copy_tokens
from listserv.mail.headers import LIST_UNSUBSCRIBE
from listserv.mail.outgoing import list_unsubscribe

# What `personal_fields` writes, in this order.
PERSONAL = (LIST_UNSUBSCRIBE,)


def personal_fields(
    mlist: MailingList, secret: bytes, members: Sequence[int], mailing: int
) -> list[bytes]:
    """For each member whole fields, each ended by CR LF. `secret` is the site's; the token is
    computed: nothing is stored for a copy."""
    anybody = "0" * MAX_TOKEN  # no token has a 0, and each is as long: the fields fold alike
    fields = list_unsubscribe(mlist.addresses.of(Role.LEAVE_TOKEN, anybody))
    before, after = fields.split(anybody.encode())
    tokens = copy_tokens(secret, Purpose.LEAVE, members, mailing)
    return [before + token.encode() + after for token in tokens]
