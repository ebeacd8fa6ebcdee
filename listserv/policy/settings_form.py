"""A form with a member's settings -> the commands by which they would say the same by mail.

What counts is what the person has changed: the difference between what the form showed and what
came back. What another tab, or a mail, has changed meanwhile stays.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date

from listserv.domain.languages import LANGUAGES
from listserv.domain.members import Delivery, Member
from listserv.domain.times import EVERY_DAY, WEEKDAYS, days_of, days_written, hour_of, hour_written
from listserv.domain.zones import find_zone
from listserv.policy.commands.command import DAILY, Command, Option, Verb
from listserv.policy.commands.dates import read_end
from listserv.policy.commands.line import words_of
from listserv.policy.commands.names import clean_name

_ALL_DAYS = ",".join(WEEKDAYS[day][0] for day in sorted(EVERY_DAY))


@dataclass(frozen=True, slots=True)
class Shown:
    """The settings as a form shows them, all as texts: `delivery` is one of Delivery, `until` a day
    (2026-06-01) or "", `days` are names of WEEKDAYS with commas between them; `own_posts` and `ack`
    are yes or no."""

    name: str
    delivery: str
    until: str
    hour: str
    days: str
    zone: str
    own_posts: str
    ack: str
    format: str
    language: str


FIELDS = tuple(field.name for field in fields(Shown))


@dataclass(frozen=True, slots=True)
class Wanted:
    """The commands that do what was changed, or why none of it can be: a phrase for each field with
    something wrong."""

    commands: tuple[Command, ...] = ()
    wrong: Mapping[str, str] | None = None


def shown(member: Member, list_language: str) -> Shown:
    """A member's settings as they are."""
    settings = member.settings
    return Shown(
        name=member.name,
        delivery=member.delivery,
        until=member.until.isoformat() if member.until else "",
        hour=settings.digest_hour,
        days=settings.digest_days or _ALL_DAYS,
        zone=settings.timezone,
        own_posts=_yes(settings.own_posts),
        ack=_yes(settings.ack),
        format=settings.format,
        language=settings.language or list_language,
    )


def _yes(holds: bool) -> str:
    return "yes" if holds else "no"


def wanted(
    list_name: str,
    member: Member,
    now: Shown,
    was: Mapping[str, str],
    given: Mapping[str, str],
    today: date,
) -> Wanted:
    """What a form wants of a `member` whose settings are `now` these; it showed `was`, and came
    back with `given`, both by FIELDS. A field that is missing was not changed."""
    form = _Form(list_name, member, now, was, given, today)
    commands = [*form.language(), *form.name(), *form.zone(), *form.receiving()]
    return Wanted(wrong=form.wrong) if form.wrong else Wanted(tuple(commands))


# field -> what each value of it is as an option of SET
_OPTIONS: Mapping[str, Mapping[str, Option]] = {
    "own_posts": {"yes": Option.REPRO, "no": Option.NOREPRO},
    "ack": {"yes": Option.ACK, "no": Option.NOACK},
    "format": {"text": Option.TEXT, "html": Option.HTML, "mime": Option.MIME},
}
# The same of how mail comes, whether or not it comes now.
_COMES: Mapping[str, tuple[Option, ...]] = {
    Delivery.MAIL: (Option.NODIGEST, Option.MAIL),
    Delivery.DIGEST: (Option.DIGEST,),
}


class _Form:
    """One form that is read; `wrong` fills as its fields are."""

    def __init__(
        self,
        list_name: str,
        member: Member,
        now: Shown,
        was: Mapping[str, str],
        given: Mapping[str, str],
        today: date,
    ) -> None:
        self._list = list_name
        self._member = member
        self._now = asdict(now)
        self._was = {**self._now, **was}
        self._given = {key: " ".join(text.split()) for key, text in given.items()}
        self._today = today
        self.wrong: dict[str, str] = {}

    def _changed(self, field: str) -> str | None:
        """What a field was changed to; None where it was not, or is so already."""
        new = self._given.get(field)
        if new is None or new in {" ".join(self._was[field].split()), self._now[field]}:
            return None
        return new

    def language(self) -> list[Command]:
        new = self._changed("language")
        if new is not None and new not in LANGUAGES:
            self.wrong["language"] = "why.language"
            return []
        return [Command(Verb.LANGUAGE, self._list, language=new)] if new else []

    def name(self) -> list[Command]:
        new = self._changed("name")
        name = clean_name(words_of(new)) if new else None
        if new is not None and not name:
            self.wrong["name"] = "why.name" if new else "why.no-name"
        return [Command(Verb.NAME, self._list, name=name)] if name else []

    def zone(self) -> list[Command]:
        new = self._changed("zone")
        zone = find_zone(new) if new else None
        if new is not None and not zone:
            self.wrong["zone"] = "why.zone" if new else "why.no-zone"
        return [Command(Verb.TIMEZONE, self._list, zone=zone)] if zone else []

    def receiving(self) -> list[Command]:
        """How mail comes, and what else SET sets."""
        delivery = self._changed("delivery") or self._now["delivery"]
        if delivery not in set(Delivery):
            self.wrong["delivery"] = "why.option"
            return []
        commands = self._break() if delivery == Delivery.NOMAIL else self._no_break()
        options, hour, days = self._options(), self._hour(), self._days()
        if (hour or days) and delivery != Delivery.DIGEST:
            self.wrong["hour" if hour else "days"] = "form.digest-only"
        if delivery != self._now["delivery"] and delivery != Delivery.NOMAIL:
            options = self._comes(delivery) + options
            commands = self._back() + commands
        if (hour or days) and Option.DIGEST not in options:
            options = [Option.DIGEST, *options]
        if options:
            set_it = Command(Verb.SET, self._list, options=tuple(options), hour=hour, days=days)
            commands.append(set_it)
        return commands

    def _comes(self, delivery: str) -> list[Option]:
        if self._comes_back and self._member.kept == delivery:
            return []
        off = self._member.delivery is Delivery.NOMAIL
        return list(_COMES[delivery]) if off else [Option(delivery.upper())]

    @property
    def _comes_back(self) -> bool:
        """Whether BACK is what they mean: of who is away it ends that instead."""
        off = self._member.delivery is Delivery.NOMAIL
        return off and not self._member.is_away(self._today)

    def _back(self) -> list[Command]:
        return [Command(Verb.BACK, self._list)] if self._comes_back else []

    def _break(self) -> list[Command]:
        new = self._changed("until")
        goes_on = self._now["delivery"] == Delivery.NOMAIL and new is None
        text = self._given.get("until", "") if new is None else new
        if goes_on:
            return []
        end = read_end(text.split(), self._today) if text else None
        if text and not isinstance(end, date):
            self.wrong["until"] = f"why.{end}"
            return []
        until = end if isinstance(end, date) else None
        return [Command(Verb.BREAK, self._list, until=until)]

    def _no_break(self) -> list[Command]:
        if self._changed("until"):
            self.wrong["until"] = "form.break-only"
        return []

    def _options(self) -> list[Option]:
        found = []
        for field, meanings in _OPTIONS.items():
            new = self._changed(field)
            if new is not None and new in meanings:
                found.append(meanings[new])
            elif new is not None:
                self.wrong[field] = "why.option"
        return found

    def _hour(self) -> str:
        new = self._changed("hour")
        at = hour_of(new) if new else None
        if new is not None and at is None:
            self.wrong["hour"] = "why.hour"
        return hour_written(at) if at is not None else ""

    def _days(self) -> str:
        new = self._changed("days")
        words = [word for word in (new or "").split(",") if word]
        days = days_of(words) if words else None
        if new is not None and days is None:
            self.wrong["days"] = "form.days"
        return (days_written(days) or DAILY) if days is not None else ""
