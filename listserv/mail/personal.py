"""The header fields of one recipient's copy, in the place of ListCopy.unsubscribe."""

from listserv.domain.address import Role
from listserv.domain.lists import MailingList
from listserv.domain.tokens import Purpose, copy_token
from listserv.mail.headers import LIST_UNSUBSCRIBE
from listserv.mail.outgoing import list_unsubscribe

# What `personal_fields` writes, in this order.
PERSONAL = (LIST_UNSUBSCRIBE,)


def personal_fields(mlist: MailingList, secret: bytes, member: int, mailing: int) -> bytes:
    """Whole fields, each ended by CR LF. `secret` is the site's; the token is computed: nothing is
    stored for a copy."""
    token = copy_token(secret, Purpose.LEAVE, member, mailing)
    return list_unsubscribe(mlist.addresses.of(Role.LEAVE_TOKEN, token))
