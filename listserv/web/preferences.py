"""/s/TOKEN: one membership's settings, for whoever has the link that was mailed; and /settings,
where it is asked for. Everything is done as commands by mail do it."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import time

from listserv.domain.address import parse_address
from listserv.domain.languages import NAMES
from listserv.domain.members import Delivery, MemberState
from listserv.domain.times import WEEKDAYS, hour_of, hour_written
from listserv.flow import by_page, schedules
from listserv.flow.by_page import Settings
from listserv.flow.notices import language_of
from listserv.flow.site import Site
from listserv.policy.settings_form import FIELDS
from listserv.web.fields import Field, Words, before, field, sent, with_wrong
from listserv.web.forms import FIELD, form_token, is_fresh
from listserv.web.page import Desk, Page, Visit, Window, not_found

# Of a form that is shown again because something is wrong in it (RFC 9110 15.5.21).
UNPROCESSABLE = 422
_LINK = "a link to settings"
_KINDS = {
    "delivery": "one", "hour": "list", "days": "many", "own_posts": "one", "ack": "one",
    "format": "one", "language": "one",
}  # fmt: skip
_YES_NO = ("yes", "no")
_CHOICES: Mapping[str, tuple[str, ...]] = {
    "delivery": tuple(Delivery),
    "own_posts": _YES_NO,
    "ack": _YES_NO,
    "format": ("html", "text", "mime"),
}


async def show(visit: Visit, window: Window) -> Page:
    """The settings as they are."""
    token = visit.named["token"]
    found = await window.read(lambda tx: by_page.settings(tx, token, visit.now))
    return _settings(window.site, found, "ask", {}, {}) if found else not_found(visit)


async def act(visit: Visit, desk: Desk) -> Page:
    """Set what was changed, or end the membership."""
    token, site, form = visit.named["token"], desk.site, visit.form
    if form.first("leave"):
        left = await desk.write(lambda tx: by_page.leave(tx, site, token, visit.now))
        return _settings(site, left, "left", {}, {}) if left else not_found(visit)
    was, given = before(form, FIELDS), sent(form, FIELDS)
    found = await desk.write(lambda tx: by_page.change(tx, site, token, was, given, visit.now))
    if found is None:
        return not_found(visit)
    return _settings(site, found, "saved", was, given)


async def proves(visit: Visit, window: Window) -> bool:
    """Whether the link is good."""
    token = visit.named["token"]
    return await window.read(lambda tx: by_page.is_good(tx, token, visit.now))


def _settings(
    site: Site, found: Settings, what: str, was: Mapping[str, str], given: Mapping[str, str]
) -> Page:
    """The page; where something is wrong, with all that was typed in."""
    mlist, member = found.mlist, found.member
    language = language_of(mlist, member)
    words = Words(site.templates, language)
    seen = asdict(found.shown)
    again = bool(found.wrong)
    values, earlier = ({**seen, **given}, {**seen, **was}) if again else (seen, seen)
    fields = with_wrong(_fields(site, found, words, values, earlier), found.wrong, words)
    shown = {
        "what": "ask" if again else what,
        "title": mlist.title,
        "address": str(member.address),
        "stopped": member.state is MemberState.SUSPENDED,
        "told": found.told,
        "fields": fields,
        **alert(fields, found.wrong, words),
    }
    return Page("page-settings.html", language, shown, UNPROCESSABLE if again else 200)


def alert(
    fields: tuple[Field, ...], wrong: Mapping[str, str], words: Words
) -> Mapping[str, object]:
    """What page-alert.html says."""
    whole = wrong.get("", "")
    return {"fault": words(whole) if whole else "", "wrong": [one for one in fields if one.wrong]}


def _fields(
    site: Site,
    found: Settings,
    words: Words,
    values: Mapping[str, str],
    earlier: Mapping[str, str],
) -> Iterator[Field]:
    comes = schedules.of_member(site, found.mlist, found.member)
    choices = {
        **{name: labels(words, name, some) for name, some in _CHOICES.items()},
        "hour": _hours(words, comes.at, values["hour"], earlier["hour"]),
        "days": [(names[0], words(f"weekday.{day}")) for day, names in enumerate(WEEKDAYS)],
        "language": list(NAMES.items()),
    }
    hints = {"until": words("hint.until"), "zone": words("hint.zone", zone=comes.zone.key)}
    for name in FIELDS:
        yield field(
            words, name, _KINDS.get(name, "text"), values[name], choices=choices.get(name, ()),
            hint=hints.get(name, ""), was=earlier[name], fills="name" if name == "name" else "off",
        )  # fmt: skip


def labels(words: Words, name: str, values: Iterable[str]) -> list[tuple[str, str]]:
    """Values of a field, with the words for each: "yes" and "no" mean something else in each."""
    key = name.replace("_", "-")
    return [
        (one, words(f"choice.{key}-{one}" if one in _YES_NO else f"choice.{one}")) for one in values
    ]


def _hours(words: Words, usual: time, chosen: str, was: str) -> list[tuple[str, str]]:
    """Whole hours, and what is chosen now; the list's own where none was ever chosen: no command
    goes back to that."""
    first = [] if was else [("", words("choice.usual", at=usual))]
    known = {hour_written(time(hour)): time(hour) for hour in range(24)}
    other = hour_of(chosen) if chosen else None
    if other is not None:
        known.setdefault(chosen, other)
    by_time = sorted(known.items(), key=lambda one: one[1])
    return first + [(value, words("choice.hour", at=at)) for value, at in by_time]


async def show_link(visit: Visit, window: Window) -> Page:
    """The form for an address; there is none where a link would lead nowhere."""
    return _link(visit, window, "ask", {}) if window.site.urls else not_found(visit)


async def send_link(visit: Visit, desk: Desk) -> Page:
    """Mail the link, if the address is a member's; the answer is the same if it is not."""
    site, address = desk.site, parse_address(visit.form.first("address"))
    if not site.urls:
        return not_found(visit)
    if address is None:
        return _link(visit, desk, "ask", {"address": "form.address"})
    if not is_fresh(site.secret, _LINK, visit.form.first(FIELD), visit.now):
        return _link(visit, desk, "ask", {"": "form.stale"})
    await desk.write_evenly(
        lambda tx: by_page.ask_for_link(tx, site, address, visit.client, visit.now)
    )
    return _link(visit, desk, "sent", {})


def _link(visit: Visit, window: Window, what: str, wrong: Mapping[str, str]) -> Page:
    site = window.site
    words = Words(site.templates, visit.language)
    typed = visit.form.first("address")
    fields = with_wrong((address_field(words, typed),), wrong, words)
    values = {
        "what": what,
        "address": typed,
        "form": form_token(site.secret, _LINK, visit.now),
        "fields": fields,
        **alert(fields, wrong, words),
    }
    return Page("page-link.html", visit.language, values, UNPROCESSABLE if wrong else 200)


def address_field(words: Words, typed: str) -> Field:
    """Where somebody types their address."""
    hint = words("hint.address")
    return field(words, "address", "email", typed, hint=hint, fills="email", needed=True)
