"""The header fields of one recipient's copy, in the place of ListCopy.unsubscribe."""

from collections.abc import Sequence

from listserv.domain.address import MAX_TOKEN, Role
from listserv.domain.lists import MailingList
from listserv.domain.tokens import WEB_LENGTH, Purpose, copy_tokens, web_tokens
from listserv.mail.headers import LIST_UNSUBSCRIBE, LIST_UNSUBSCRIBE_POST, structured_line
from listserv.mail.outgoing import list_unsubscribe

# What `personal_fields` writes, in this order.
PERSONAL = (LIST_UNSUBSCRIBE,)
# RFC 8058 3.1: the first address of a copy's List-Unsubscribe takes a POST that says this. It only
# counts where a signature covers both fields, and is the same in all copies.
ONE_CLICK = structured_line(LIST_UNSUBSCRIBE_POST, "List-Unsubscribe=One-Click")

# Neither an address of ours nor web.url has such characters, and a token is as long: the fields
# fold alike.
_ANY_TOKEN = "!" * MAX_TOKEN
_ANY_WEB_TOKEN = "$" * WEB_LENGTH


def personal_fields(
    mlist: MailingList, secret: bytes, members: Sequence[int], mailing: int, url: str = ""
) -> list[bytes]:
    """For each member whole fields, each ended by CR LF. `secret` is the site's; the tokens are
    computed: nothing is stored for a copy. `url` is where people reach our pages, without a final
    slash, "" where there are none."""
    page = leave_page(url, _ANY_WEB_TOKEN) if url else ""
    field = list_unsubscribe(mlist.addresses.of(Role.LEAVE_TOKEN, _ANY_TOKEN), page)
    before, after = field.split(_ANY_TOKEN.encode())
    tokens = copy_tokens(secret, Purpose.LEAVE, members, mailing)
    if not url:
        return [before + token.encode() + after for token in tokens]
    first, between = before.split(_ANY_WEB_TOKEN.encode())
    pages = web_tokens(secret, members, mailing)
    return [
        b"%b%b%b%b%b" % (first, web.encode(), between, token.encode(), after)
        for web, token in zip(pages, tokens, strict=True)
    ]


def leave_page(url: str, token: str) -> str:
    """Where the one who has a web token leaves. The token is the last part of the path."""
    return f"{url}/u/{token}"
