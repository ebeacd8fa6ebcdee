"""What a line of a mail can ask for: Verb, Option, Command; and NotUnderstood, with Why."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from listserv.domain.address import Address

ALL_LISTS = "*"
# Of a line that is shown again to its writer.
_SHOWN = 80


class Verb(StrEnum):
    """The commands, by their canonical words."""

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


class Option(StrEnum):
    """What SET changes, by its canonical words; see delivery.OPTIONS."""

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


@dataclass(frozen=True, slots=True)
class Command:
    """One command, understood; `str` is its canonical line, which reads as the same command.

    `list` is a known list's name, ALL_LISTS, or "" when neither the line nor the address names one:
    then it is about the one list that the member is on, if it is one. `address` is the new address
    of CHANGE, the other one of ALSO, whom an owners' verb is about, and with SUBSCRIBE and SIGNOFF
    an address that the line names, which need not be the author's; `old` is CHANGE's. `domain` is
    banned instead of an address. `until` is the first day after a break, or after a ban. `token` is
    that of CONFIRM, or of an address that acts for one recipient of a copy. `quiet`: the person
    concerned is not written to.
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

    def __str__(self) -> str:
        whom = [str(one) for one in (self.old, self.address) if one]
        options = [str(option) for option in self.options]
        words = ["QUIET"] if self.quiet else []
        if self.verb is Verb.SET_FOR:
            words += ["SET", self.list, *options, "FOR", *whom]
        elif self.verb is Verb.SUBSCRIBE:
            words += [self.verb, self.list, *whom, self.name, *(options and ["WITH", *options])]
        else:
            words += [self.verb, self.list, *options, *whom, self.name]
        words += [f"@{self.domain}" if self.domain else "", self.token]
        words += ["UNTIL", self.until.isoformat()] if self.until else []
        return " ".join(word for word in words if word)


class Why(StrEnum):
    """Why a line was not understood, as a sentence for its writer."""

    WORD = "This is not a command that I know."
    REQUEST = "I read commands only, one a line."
    MORE = "There is more on the line than the command takes."
    LIST = "The command needs the name of a list."
    ONE_LIST = "The command is about one list at a time."
    ADDRESS = "There is no mail address here that I can read."
    NAME = "A name has at most 80 characters, and no web address in it."
    NO_NAME = "The name is missing."
    OPTION = "There is no such option."
    NO_OPTION = "The option is missing."
    NO_INDEX = "Posts come one by one or as a digest; there is no index of them."
    NO_HEADERS = "Every post comes with the same header fields."
    NO_TOPICS = "Lists have no topics."
    NO_RECEIPT = "Receipts come with ACK, or not at all."
    NO_REMINDERS = "There are no passwords, and so no reminders of them."
    BY_OWNER = "This is set for a list, not for a member."
    DATE = "I cannot read the date."
    TWO_DATES = "The date can be read in two ways."
    PAST = "That day has passed."
    TOO_FAR = "That is too far ahead; two years are the most."
    TOKEN = "Please answer the mail that asked you; its code is in the address."  # noqa: S105
    QUIET = "QUIET goes with the commands of owners."
    LONG = "The line is too long for a command."
    REST = "I read ten lines of a mail; please send the others in a new one."


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """A line, shortened for showing; the command that it comes nearest to, "" when there is none;
    and why it is none itself."""

    line: str
    nearest: str
    why: Why = Why.WORD


def shortened(line: str) -> str:
    """A line that may be shown again."""
    line = "".join(c for c in line if c.isprintable())
    return line if len(line) <= _SHOWN else line[: _SHOWN - 1].rstrip() + "…"
