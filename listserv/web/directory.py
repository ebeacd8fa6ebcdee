"""/, the lists that everybody may know of; and /lists/NAME@DOMAIN, what one is and a form to join.

Joining asks the address by mail, as a mail that proves nothing does: the page says the same whoever
it is. A list that is not advertised is not there.
"""

from collections.abc import Iterator, Mapping
from urllib.parse import urlsplit

from listserv.domain.lists import MailingList
from listserv.domain.members import Delivery
from listserv.flow import by_page
from listserv.policy.joining_form import Joining, joining
from listserv.web.fields import Field, Words, field, with_wrong
from listserv.web.forms import FIELD, form_token, is_fresh
from listserv.web.page import Desk, Page, Visit, Window, not_found
from listserv.web.preferences import UNPROCESSABLE, address_field, alert, labels

_FIELDS = ("address", "name", "delivery", "words")


async def show(visit: Visit, window: Window) -> Page:
    """All advertised lists of the domains at this host, by their titles."""
    domains = domains_at(visit.host, window.site.urls) or window.site.domains
    found = await window.read(lambda tx: by_page.advertised(tx, domains))
    rows = [
        (f"lists/{mlist.address}", mlist.title, mlist.settings.description)
        for mlist in sorted(found, key=lambda mlist: mlist.title.casefold())
    ]
    values = {"rows": rows, "links": bool(window.site.urls)}
    return Page("page-lists.html", visit.language, values)


def domains_at(host: str, urls: Mapping[str, str]) -> frozenset[str]:
    """Whose pages are at a host; none where a proxy has put another name into Host."""
    return frozenset(domain for domain, url in urls.items() if urlsplit(url).hostname == host)


async def show_list(visit: Visit, window: Window) -> Page:
    """One of them."""
    mlist = await _list(visit, window)
    return _page(visit, window, mlist, "ask", {}) if mlist else not_found(visit)


async def join(visit: Visit, desk: Desk) -> Page:
    """Ask the address whether it wants to join."""
    mlist, site = await _list(visit, desk), desk.site
    if mlist is None:
        return not_found(visit)
    if mlist.settings.subscription == "invite":
        return _page(visit, desk, mlist, "ask", {})
    given = {name: visit.form.first(name) for name in _FIELDS}
    want = joining(mlist, given, site.today(visit.now))
    if not isinstance(want, Joining):
        return _page(visit, desk, mlist, "ask", want)
    if not is_fresh(site.secret, _purpose(mlist), visit.form.first(FIELD), visit.now):
        return _page(visit, desk, mlist, "ask", {"": "form.stale"})
    await desk.write_evenly(lambda tx: by_page.join(tx, site, mlist, want, visit.client, visit.now))
    return _page(visit, desk, mlist, "sent", {})


async def _list(visit: Visit, window: Window) -> MailingList | None:
    name, _, domain = visit.named["address"].lower().rpartition("@")
    return await window.read(lambda tx: by_page.advertised_at(tx, name, domain))


def _page(
    visit: Visit, window: Window, mlist: MailingList, what: str, wrong: Mapping[str, str]
) -> Page:
    site, settings = window.site, mlist.settings
    words = Words(site.templates, settings.language)
    fields = with_wrong(_fields(visit, mlist, words), wrong, words)
    values = {
        "what": what,
        "title": mlist.title,
        "description": settings.description,
        "posting": settings.posting,
        "moderation": settings.moderation,
        "subscription": settings.subscription,
        "owner": mlist.addresses.owner,
        "address": visit.form.first("address"),
        "form": form_token(site.secret, _purpose(mlist), visit.now),
        "fields": fields,
        **alert(fields, wrong, words),
    }
    return Page("page-list.html", settings.language, values, UNPROCESSABLE if wrong else 200)


def _fields(visit: Visit, mlist: MailingList, words: Words) -> Iterator[Field]:
    form = visit.form
    yield address_field(words, form.first("address"))
    yield field(words, "name", "text", form.first("name"), hint=words("hint.name"), fills="name")
    comes = form.first("delivery") or mlist.settings.default_delivery
    yield field(words, "delivery", "one", comes, choices=labels(words, "delivery", Delivery))
    if mlist.settings.subscription == "approve":
        yield field(words, "words", "long", form.first("words"), hint=words("hint.words"))


def _purpose(mlist: MailingList) -> str:
    return f"join {mlist.id}"
