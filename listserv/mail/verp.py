"""The return path of one recipient's copy: what comes back to it names member and mailing."""

from listserv.domain.address import Role
from listserv.domain.lists import MailingList
from listserv.domain.tokens import Purpose, copy_token


def return_path(mlist: MailingList, secret: bytes, member: int, mailing: int) -> str:
    """LIST-bounces+TOKEN@domain, computed; at most 64 octets before the @. `secret` is the
    site's; `member` 0 is somebody who is no member."""
    token = copy_token(secret, Purpose.BOUNCES, member, mailing)
    return mlist.addresses.of(Role.BOUNCES, token)
