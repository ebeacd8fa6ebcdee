"""/c/TOKEN: what a question of ours asks, and a button that says yes as a reply to it does."""

from listserv.flow import confirm
from listserv.flow.confirm import Shown
from listserv.policy.confirming import Moment
from listserv.web.forms import FIELD, form_token, is_fresh
from listserv.web.page import Desk, Page, Visit, Window, not_found

_SAID = {None: "open", Moment.AGAIN: "done", Moment.LATE: "late"}


async def show(visit: Visit, window: Window) -> Page:
    """The question with its button, or what became of it."""
    token, site, language = visit.named["token"], window.site, visit.language
    shown = await window.read(lambda tx: confirm.on_page(tx, site, token, language, visit.now))
    return _page(visit, window, shown)


async def act(visit: Visit, desk: Desk) -> Page:
    """The yes, if it comes from the button; once more says the same."""
    token, site, language = visit.named["token"], desk.site, visit.language
    if not is_fresh(site.secret, _purpose(visit), visit.form.first(FIELD), visit.now):
        return await show(visit, desk)
    shown = await desk.write(lambda tx: confirm.by_page(tx, site, token, language, visit.now))
    return _page(visit, desk, shown)


async def proves(visit: Visit, window: Window) -> bool:
    """Whether the token is good."""
    token, site, language = visit.named["token"], window.site, visit.language
    shown = await window.read(lambda tx: confirm.on_page(tx, site, token, language, visit.now))
    return shown is not None


def _page(visit: Visit, window: Window, shown: Shown | None) -> Page:
    if shown is None:
        return not_found(visit)
    values = {
        "title": shown.title,
        "what": _SAID[shown.moment],
        "wishes": (),
        "description": "",
        **shown.values,
        "form": form_token(window.site.secret, _purpose(visit), visit.now),
    }
    return Page("page-confirm.html", shown.language, values)


def _purpose(visit: Visit) -> str:
    return f"confirm {visit.named['token']}"
