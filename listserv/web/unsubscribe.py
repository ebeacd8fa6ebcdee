"""/u/TOKEN: leaving with one click (RFC 8058). A GET shows one button and changes nothing."""

from listserv.domain.lists import MailingList
from listserv.domain.members import Member
from listserv.flow import unsubscribe
from listserv.flow.notices import language_of
from listserv.flow.unsubscribe import Outcome
from listserv.store.session import Tx
from listserv.web.page import Desk, Page, Visit, Window, not_found

# What the sender of a POST by itself says, and what our button says, too.
_FIELD, _VALUE = "List-Unsubscribe", "One-Click"
_SAID = {Outcome.LEFT: "left", Outcome.PAUSED: "paused"}


async def show(visit: Visit, window: Window) -> Page:
    """The button, or what it has done."""
    token, site = visit.named["token"], window.site

    def look(tx: Tx) -> Page:
        found = unsubscribe.find(tx, site, token)
        if found is None:
            return not_found(visit)
        so_far = unsubscribe.so_far(tx, *found)
        return _page(_SAID[so_far] if so_far is not None else "ask", *found)

    return await window.read(look)


async def act(visit: Visit, desk: Desk) -> Page:
    """Stop the mail; once more says the same. Without what RFC 8058 3.1 puts into the POST, the
    button."""
    if visit.form.first(_FIELD).lower() != _VALUE.lower():
        return await show(visit, desk)
    token, site = visit.named["token"], desk.site

    def stop(tx: Tx) -> Page:
        outcome = unsubscribe.one_click(tx, site, token, visit.now)
        found = unsubscribe.find(tx, site, token)
        if outcome is None or found is None:
            return not_found(visit)
        return _page(_SAID[outcome], *found)

    return await desk.write(stop)


async def proves(visit: Visit, window: Window) -> bool:
    """Whether the token is good."""
    token, site = visit.named["token"], window.site
    return await window.read(lambda tx: unsubscribe.find(tx, site, token)) is not None


def _page(what: str, mlist: MailingList, member: Member) -> Page:
    values = {"title": mlist.title, "what": what, "pauses": unsubscribe.pauses(mlist, member)}
    return Page("page-leave.html", language_of(mlist, member), values)
