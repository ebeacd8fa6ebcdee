"""SET: its options, a table, and LISTSERV's rule that whether mail comes is one thing and how it
comes is another."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from listserv.domain.members import Delivery
from listserv.domain.settings import Value
from listserv.domain.times import day_of
from listserv.policy.commands.command import Command, Option, Verb, Why
from listserv.policy.commands.line import Line, Trouble, abbreviations, one_address
from listserv.policy.commands.times import ZONE_WORDS, When, read_when, together


@dataclass(frozen=True, slots=True)
class OptionRow:
    """One row. `words` with the least abbreviation in capitals; `setting` is the member setting
    that it gives a value, None where `receiving` says what happens."""

    option: Option
    words: tuple[str, ...]
    setting: tuple[str, Value] | None


_O = Option

OPTIONS: tuple[OptionRow, ...] = (
    OptionRow(_O.MAIL, ("MAIL",), None),
    OptionRow(_O.NOMAIL, ("NOMAIL", "POSTPONE"), None),
    OptionRow(_O.DIGEST, ("DIGests", "DAILYdigest", "SUMmary"), None),
    OptionRow(_O.NODIGEST, ("NODIGests",), None),
    OptionRow(_O.ON, ("DELIVERY=ON",), None),
    OptionRow(_O.TEXT, ("TEXT", "PLAIN", "NOHTML", "NOMIME"), ("format", "text")),
    OptionRow(_O.HTML, ("HTML",), ("format", "html")),
    OptionRow(_O.MIME, ("MIME",), ("format", "mime")),
    OptionRow(_O.REPRO, ("REPro", "MYPOSTS"), ("own_posts", True)),
    OptionRow(_O.NOREPRO, ("NOREPro", "NOMYPOSTS"), ("own_posts", False)),
    OptionRow(_O.ACK, ("ACK",), ("ack", True)),
    OptionRow(_O.NOACK, ("NOACK",), ("ack", False)),
    OptionRow(_O.CONCEAL, ("CONCeal", "HIDE", "ANONYMOUS"), ("conceal", True)),
    OptionRow(_O.NOCONCEAL, ("NOCONCeal", "NOHIDE"), ("conceal", False)),
    OptionRow(_O.DUPLICATES, ("DUPlicates",), ("duplicates", True)),
    OptionRow(_O.NODUPLICATES, ("NODUPlicates",), ("duplicates", False)),
)  # fmt: skip

# Options of other list servers that mean nothing here, and what to say of them.
ABSENT: Mapping[str, Why] = {
    **abbreviations(("INDex", "NOINDex"), Why.NO_INDEX),
    **abbreviations(
        ("FULLhdr", "SHORThdr", "IETFhdr", "DUALhdr", "SUBJecthdr", "FULL822", "SHORT822"),
        Why.NO_HEADERS,
    ),
    **abbreviations(("TOPICS",), Why.NO_TOPICS),
    **abbreviations(("MSGack",), Why.NO_RECEIPT),
    **abbreviations(("REMINDers", "AUTHenticate", "PASSword"), Why.NO_REMINDERS),
    **abbreviations(
        ("POST", "NOPOST", "EDITor", "NOEDITor", "REVIEW", "NOREVIEW", "RENEW", "NORENEW"),
        Why.BY_OWNER,
    ),
}

BY_OPTION: Mapping[Option, OptionRow] = {row.option: row for row in OPTIONS}
OPTION_WORDS: Mapping[str, Option] = {
    word: row.option for row in OPTIONS for word in abbreviations(row.words, row.option)
}
# Said alone on a line, these are a command too. MAIL is not: it is the likeliest of subjects.
ALONE = frozenset({Option.NOMAIL, Option.DIGEST, Option.NODIGEST})

# Mailman's pairs: set KEY VALUE, and with = in between.
_PAIRS: Mapping[tuple[str, str], tuple[Option, ...]] = {
    ("delivery", "on"): (Option.ON,),
    ("delivery", "off"): (Option.NOMAIL,),
    ("delivery", "mail"): (Option.MAIL,),
    ("delivery", "digest"): (Option.DIGEST,),
    ("delivery", "nomail"): (Option.NOMAIL,),
    ("mail", "on"): (Option.ON,),
    ("mail", "off"): (Option.NOMAIL,),
    ("digest", "on"): (Option.DIGEST,),
    ("digest", "off"): (Option.NODIGEST,),
    ("digest", "no"): (Option.NODIGEST,),
    ("digest", "yes"): (Option.DIGEST,),
    ("digest", "plain"): (Option.DIGEST, Option.TEXT),
    ("digest", "text"): (Option.DIGEST, Option.TEXT),
    ("digest", "mime"): (Option.DIGEST, Option.MIME),
    ("digest", "html"): (Option.DIGEST, Option.HTML),
    ("ack", "on"): (Option.ACK,),
    ("ack", "off"): (Option.NOACK,),
    ("myposts", "on"): (Option.REPRO,),
    ("myposts", "off"): (Option.NOREPRO,),
    ("hide", "on"): (Option.CONCEAL,),
    ("hide", "off"): (Option.NOCONCEAL,),
    ("duplicates", "on"): (Option.DUPLICATES,),
    ("duplicates", "off"): (Option.NODUPLICATES,),
}


@dataclass(frozen=True, slots=True)
class Receiving:
    """How a member's mail comes. `stored` is how it comes when it comes, MAIL or DIGEST: while
    mail is on it is `delivery` itself. `format` is the digest's."""

    delivery: Delivery
    stored: Delivery
    format: str


def receiving(now: Receiving, option: Option) -> Receiving:
    """What an option makes of it. NOMAIL keeps how mail came, and MAIL brings that back; MAIL while
    mail comes cancels the digest; DIGEST turns mail on as well."""
    off = now.delivery is Delivery.NOMAIL
    match option:
        case Option.NOMAIL:
            return replace(now, delivery=Delivery.NOMAIL)
        case Option.DIGEST:
            return replace(now, delivery=Delivery.DIGEST, stored=Delivery.DIGEST)
        case Option.MAIL if not off:
            return replace(now, delivery=Delivery.MAIL, stored=Delivery.MAIL)
        case Option.MAIL | Option.ON if off:
            return replace(now, delivery=now.stored)
        case Option.NODIGEST:
            delivery = now.delivery if off else Delivery.MAIL
            return replace(now, delivery=delivery, stored=Delivery.MAIL)
        case Option.TEXT | Option.HTML | Option.MIME:
            return replace(now, format=option.lower())
    return now


def read_set(line: Line) -> Command | Trouble:
    """SET listname OPTION ... [FOR address]."""
    plain = [word.plain.lower() for word in line.rest]
    if plain in (["show"], ["help"]):
        return line.command(Verb.QUERY if plain == ["show"] else Verb.HELP)
    words = line.rest
    address = None
    if "for" in plain:
        at = plain.index("for")
        address = one_address(words[at + 1 :])
        if address is None:
            return Trouble(Why.ADDRESS)
        words = words[:at]
    found = read_options([word.plain for word in words])
    if isinstance(found, Trouble):
        return found
    if address is not None:
        return found.put_into(line.command(Verb.SET_FOR, address=address))
    return found.put_into(line.command())


@dataclass(frozen=True, slots=True)
class Chosen:
    """What SET, or SUBSCRIBE WITH, says: options, each once, and when the digest comes."""

    options: tuple[Option, ...]
    when: When

    def put_into(self, command: Command) -> Command:
        """The command that says all of it."""
        hour, days, zone = self.when.hour, ",".join(self.when.days), self.when.zone
        return replace(command, options=self.options, hour=hour, days=days, zone=zone)


def read_options(words: list[str]) -> Chosen | Trouble:
    """What some words say; or what is wrong with the first that says nothing. An hour or a day
    is one of the digest."""
    words = [part for word in words for part in _parts(word.lower())]
    options: list[Option] = []
    times: list[When] = []
    at = 0
    while at < len(words):
        pair = (words[at], words[at + 1]) if at + 1 < len(words) else ("", "")
        found: tuple[Option, ...] = ()
        if "=" in words[at] and words[at].count("=") == 1:
            key, value = words[at].split("=")
            found, taken = _PAIRS.get((key, value), ()), 1
        elif pair in _PAIRS:
            found, taken = _PAIRS[pair], 2
        elif words[at] in OPTION_WORDS and day_of(words[at]) is None:  # daily is both
            found, taken = (OPTION_WORDS[words[at]],), 1
        if not found:
            when = read_when(words[at:], behind=Option.DIGEST in options)
            if isinstance(when, Trouble):
                return when
            if when is None:
                return Trouble(ABSENT.get(words[at].rstrip(":"), Why.OPTION))
            times.append(when[0])
            found, taken = () if when[0].zone else (Option.DIGEST,), when[1]
        options += found
        at += taken
    if not words:
        return Trouble(Why.NO_OPTION)
    when_all = together(times)
    if isinstance(when_all, Trouble):
        return when_all
    return Chosen(tuple(dict.fromkeys(options)), when_all)


def _parts(word: str) -> list[str]:
    """What commas are between; and digest=weekly, timezone=berlin as two words."""
    key, sign, value = word.partition("=")
    if sign and key in {"digest", *ZONE_WORDS} and (key, value) not in _PAIRS:
        word = f"{key},{value}"
    return [part for part in word.split(",") if part]
