"""What a line of a mail can ask for: Verb, Option, Command; and NotUnderstood, with Why."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from listserv.domain.address import Address
from listserv.domain.languages import NAMES

ALL_LISTS = "*"
# Every day of the week, as Command.days; the setting is empty for it.
DAILY = "daily"
# Of a line that is shown again to its writer.
_SHOWN = 80


class Verb(StrEnum):
    """The commands, by their canonical words. "help.<key>" is the phrase that says what one does,
    "done.<key>" what it has done."""

    SUBSCRIBE = "SUBSCRIBE"
    SIGNOFF = "SIGNOFF"
    SET = "SET"
    BREAK = "BREAK"
    BACK = "BACK"
    QUERY = "QUERY"
    WHICH = "WHICH"
    REVIEW = "REVIEW"
    INFO = "INFO"
    LISTS = "LISTS"
    HELP = "HELP"
    CONFIRM = "CONFIRM"
    CHANGE = "CHANGE"
    ALSO = "ALSO"
    NAME = "NAME"
    TIMEZONE = "TIMEZONE"
    LANGUAGE = "LANGUAGE"
    PREFERENCES = "PREFERENCES"
    END = "END"
    INDEX = "INDEX"
    GET = "GET"
    SEND = "SEND"
    SEARCH = "SEARCH"
    PASSWORD = "PASSWORD"  # noqa: S105
    ADD = "ADD"
    DELETE = "DELETE"
    SET_FOR = "SET FOR"
    INVITE = "INVITE"
    BAN = "BAN"
    UNBAN = "UNBAN"
    HOLD = "HOLD"
    FREE = "FREE"
    AWAY = "AWAY"

    @property
    def key(self) -> str:
        """As its phrases are found: "set-for"."""
        return _key(self)


class Option(StrEnum):
    """What SET changes, by its canonical words; see delivery.OPTIONS. "option.<key>" is the phrase
    that says what one does."""

    MAIL = "MAIL"
    NOMAIL = "NOMAIL"
    DIGEST = "DIGEST"
    NODIGEST = "NODIGEST"
    ON = "DELIVERY=ON"
    TEXT = "TEXT"
    HTML = "HTML"
    MIME = "MIME"
    REPRO = "REPRO"
    NOREPRO = "NOREPRO"
    ACK = "ACK"
    NOACK = "NOACK"
    CONCEAL = "CONCEAL"
    NOCONCEAL = "NOCONCEAL"
    DUPLICATES = "DUPLICATES"
    NODUPLICATES = "NODUPLICATES"

    @property
    def key(self) -> str:
        """As its phrase is found: "nomail"."""
        return _key(self)


@dataclass(frozen=True, slots=True)
class Command:
    """One command, understood; `str` is its canonical line, which reads as the same command.

    `list` is a known list's name (of INFO also one that is not there), ALL_LISTS, or "" when
    neither the line nor the address names one: then it is about the one list that the member is on,
    if it is one. `address` is the new address of CHANGE, the other one of ALSO, whom an owners'
    verb is about, and with SUBSCRIBE and SIGNOFF an address that the line names, which need not be
    the author's; `old` is CHANGE's. `domain` is banned instead of an address. `until` is the first
    day after a break, a ban, or a moderator's absence. `token` is that of CONFIRM, or of an address
    that acts for one recipient of a copy. `quiet`: the person concerned is not written to. `hour`,
    `days` and `zone` say when the digest comes, as the member settings are written; `days` may be
    DAILY. `language` is one of LANGUAGES.
    """

    verb: Verb
    list: str = ""
    name: str = ""
    options: tuple[Option, ...] = ()
    old: Address | None = None
    address: Address | None = None
    domain: str = ""
    until: date | None = None
    token: str = ""
    quiet: bool = False
    hour: str = ""
    days: str = ""
    zone: str = ""
    language: str = ""

    def __str__(self) -> str:
        whom = [str(one) for one in (self.old, self.address) if one]
        options = [*map(str, self.options), *_when(self)]
        words = ["QUIET"] if self.quiet else []
        if self.verb is Verb.SET_FOR:
            words += ["SET", self.list, *options, "FOR", *whom]
        elif self.verb is Verb.SUBSCRIBE:
            words += [
                self.verb,
                self.list,
                *whom,
                self.name,
                "WITH" if any(options) else "",
                *options,
            ]
        else:
            words += [self.verb, self.list, *options, *whom, self.name]
        words += [f"@{self.domain}" if self.domain else "", self.token]
        words += ["UNTIL", self.until.isoformat()] if self.until else []
        words += [NAMES[self.language]] if self.language else []
        return " ".join(word for word in words if word)


class Why(StrEnum):
    """Why a line was not understood; "why.<value>" is the phrase for its writer."""

    WORD = "word"
    REQUEST = "request"
    MORE = "more"
    LIST = "list"
    ONE_LIST = "one-list"
    ADDRESS = "address"
    NAME = "name"
    NO_NAME = "no-name"
    OPTION = "option"
    NO_OPTION = "no-option"
    HOUR = "hour"
    ZONE = "zone"
    NO_ZONE = "no-zone"
    LANGUAGE = "language"
    NO_INDEX = "no-index"
    NO_HEADERS = "no-headers"
    NO_TOPICS = "no-topics"
    NO_RECEIPT = "no-receipt"
    NO_REMINDERS = "no-reminders"
    BY_OWNER = "by-owner"
    DATE = "date"
    NO_DAY = "no-day"
    TWO_DATES = "two-dates"
    PAST = "past"
    TOO_FAR = "too-far"
    TOKEN = "token"  # noqa: S105
    QUIET = "quiet"
    LONG = "long"
    REST = "rest"


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A line, shortened for showing; the command that it comes nearest to, "" when there is none;
    and why it is none itself."""

    line: str
    nearest: str
    why: Why = Why.WORD


def _when(command: Command) -> list[str]:
    hour = f"AT {command.hour}" if command.hour else ""
    zone = "TIMEZONE" if command.zone and command.verb is not Verb.TIMEZONE else ""
    return [*command.days.upper().split(","), hour, zone, command.zone]


def _key(word: StrEnum) -> str:
    return word.name.lower().replace("_", "-")


def shortened(line: str) -> str:
    """A line that may be shown again."""
    line = "".join(c for c in line if c.isprintable())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1].rstrip() + "…"
