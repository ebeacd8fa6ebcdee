"""What members change about themselves: BREAK, BACK, AWAY, CHANGE, ALSO, NAME, LANGUAGE; and
PREFERENCES."""

from dataclasses import replace
from datetime import date

from listserv.domain.address import why_not_a_list_name
from listserv.domain.languages import find_language
from listserv.policy.commands.command import ALL_LISTS, Command, Verb, Why
from listserv.policy.commands.dates import read_end
from listserv.policy.commands.line import Line, Trouble, address_of, one_address
from listserv.policy.commands.names import clean_name

_INTO = frozenset({"to", "from", "new", "old", "address", "my", "is", "->", "=>", "into"})


def read_break(line: Line) -> Command | Trouble:
    """BREAK [listname | *] [UNTIL date | n WEEKS]; without an end it lasts until BACK."""
    if not line.rest:
        return line.command()
    end = read_end([word.plain for word in line.rest], line.today)
    if isinstance(end, date):
        return line.command(until=end)
    return Trouble(end)


def read_away(line: Line) -> Command | Trouble:
    """AWAY [listname | *] UNTIL date: never without an end, which would be forgotten."""
    return read_break(line) if line.rest else Trouble(Why.NO_DAY)


def read_change(line: Line) -> Command | Trouble:
    """CHANGE [listname | *] [old] new."""
    words = [word for word in line.rest if word.plain.lower() not in _INTO]
    addresses = [address_of(word) for word in words]
    match addresses:
        case [new] if new:
            return line.command(address=new)
        case [old, new] if old and new:
            return line.command(old=old, address=new)
    return Trouble(Why.ADDRESS)


def read_also(line: Line) -> Command | Trouble:
    """ALSO [listname | *] address."""
    address = one_address(line.rest)
    return line.command(address=address) if address else Trouble(Why.ADDRESS)


def read_name(line: Line) -> Command | Trouble:
    """NAME [listname | *] the name."""
    if not line.rest:
        return Trouble(Why.NO_NAME)
    name = clean_name(line.rest)
    return line.command(name=name) if name else Trouble(Why.NAME)


def read_language(line: Line) -> Command | Trouble:
    """LANGUAGE [listname | *] the language; sent to no list it is for all of theirs."""
    words = [word.plain for word in line.rest if word.plain.lower() not in _INTO]
    language = find_language(words[0]) if len(words) == 1 else None
    if language is None:
        return Trouble(Why.LANGUAGE)
    return replace(line.command(), list=line.list or ALL_LISTS, language=language)


def read_preferences(line: Line) -> Command | Trouble:
    """PREFERENCES [listname | *]; sent to no list it is for all of theirs."""
    found = read_question(line)
    return replace(found, list=found.list or ALL_LISTS) if isinstance(found, Command) else found


def read_alone(line: Line) -> Command | Trouble:
    """A command that takes nothing but its list."""
    return line.command() if not line.rest else Trouble(Why.MORE)


# Words that other list servers take behind QUERY, REVIEW, INFO and the like, and that change
# nothing here.
_IGNORED = frozenset(
    "short noheader country by name topics all detailed global with options summary settings list"
    " full me my".split()
)


def read_question(line: Line) -> Command | Trouble:
    """A question that takes a list, and a few words which change nothing. INFO about a list that is
    not there is understood: the answer is that of one which strangers are told nothing about."""
    words = [word.plain.lower() for word in line.rest]
    if line.verb is Verb.INFO and len(words) == 1 and words[0] not in _IGNORED:
        name = words[0].removesuffix(f"@{line.lists.domain}")
        if why_not_a_list_name(name) is None:
            return Command(Verb.INFO, name)
    if any(word not in _IGNORED and "=" not in word for word in words):
        return Trouble(Why.MORE)
    return line.command()


def read_help(line: Line) -> Command | Trouble:
    """HELP, perhaps with a command's name behind it."""
    return Command(Verb.HELP, line.list) if len(line.rest) <= 1 else Trouble(Why.MORE)


def read_anything(line: Line) -> Command | Trouble:
    """A command that is answered in the same way whatever stands behind it."""
    return Command(line.verb, line.list)
