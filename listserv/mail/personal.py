"""The header fields of one recipient's copy, in the place of ListCopy.unsubscribe."""

from collections.abc import Sequence

from listserv.domain.address import MAX_TOKEN, Role
from listserv.domain.lists import MailingList
from listserv.domain.tokens import WEB_LENGTH, Purpose, copy_tokens, web_tokens
from listserv.mail.headers import LIST_UNSUBSCRIBE_POST, structured_line
from listserv.mail.outgoing import list_unsubscribe
from listserv.mail.sign import Form

# RFC 8058 3.1: the first address of a copy's List-Unsubscribe takes a POST that says this. It only
# counts where a signature covers both fields, and is the same in all copies.
ONE_CLICK = structured_line(LIST_UNSUBSCRIBE_POST, "List-Unsubscribe=One-Click")

# Neither an address of ours nor web.url has such characters, and a token is as long: the fields
# fold alike.
_ANY_TOKEN = "!" * MAX_TOKEN
_ANY_WEB_TOKEN = "$" * WEB_LENGTH


def personal_form(mlist: MailingList, url: str = "") -> Form:
    """The fields, with blanks for what `personal_values` gives. `url` is where people reach our
    pages, without a final slash, "" where there are none."""
    address = mlist.addresses.of(Role.LEAVE_TOKEN, _ANY_TOKEN)
    if not url:
        return Form(list_unsubscribe(address), (_ANY_TOKEN.encode(),))
    field = list_unsubscribe(address, leave_page(url, _ANY_WEB_TOKEN))
    return Form(field, (_ANY_WEB_TOKEN.encode(), _ANY_TOKEN.encode()))


def personal_values(
    secret: bytes, members: Sequence[int], mailing: int, *, pages: bool
) -> list[tuple[bytes, ...]]:
    """For each member what is in the form's blanks; `pages` says whether there are pages. `secret`
    is the site's; the tokens are computed: nothing is stored for a copy."""
    tokens = [token.encode() for token in copy_tokens(secret, Purpose.LEAVE, members, mailing)]
    if not pages:
        return [(token,) for token in tokens]
    web = [token.encode() for token in web_tokens(secret, members, mailing)]
    return list(zip(web, tokens, strict=True))


def leave_page(url: str, token: str) -> str:
    """Where the one who has a web token leaves. The token is the last part of the path."""
    return f"{url}/u/{token}"
