"""The return path of one recipient's copy: what comes back to it names member and mailing."""

from collections.abc import Sequence

from listserv.domain.address import Role
from listserv.domain.lists import MailingList
from listserv.domain.tokens import Purpose, copy_tokens


def return_paths(
    mlist: MailingList, secret: bytes, members: Sequence[int], mailing: int
) -> list[str]:
    """LIST-bounces+TOKEN@domain for each member, computed; at most 64 octets before the @.
    `secret` is the site's; member 0 is somebody who is no member."""
    before, after = mlist.addresses.of(Role.BOUNCES, "@").split("@", 1)
    tokens = copy_tokens(secret, Purpose.BOUNCES, members, mailing)
    return [f"{before}{token}{after}" for token in tokens]
