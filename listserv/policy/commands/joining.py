"""SUBSCRIBE, SIGNOFF and CONFIRM."""

import re

from listserv.policy.commands.command import ALL_LISTS, Command, Verb, Why
from listserv.policy.commands.delivery import Chosen, read_options
from listserv.policy.commands.line import (
    Line,
    Trouble,
    Word,
    address_of,
    one_address,
    split_addresses,
)
from listserv.policy.commands.names import clean_name
from listserv.policy.commands.times import When

# Between the verb and the list people put these.
FILLERS = frozenset(
    "me us from to off of the this your our mailing discussion e-mail email list group".split()
)
# Options that stand among the words of a name, without WITH before them.
_AMONG_NAMES = frozenset({"digest", "nodigest", "nomail", "anonymous"})
# Random tokens have 22 characters and computed ones 24; a list's name hardly looks like one.
_CODE = re.compile(r"[a-z2-7]{16,24}")


def read_subscribe(line: Line) -> Command | Trouble:
    """SUBSCRIBE [listname] [name | ANONYMOUS] [WITH options] [digest=no] [address=a]."""
    if line.list == ALL_LISTS:
        return Trouble(Why.ONE_LIST)
    words = list(line.rest)
    asked: list[str] = []
    plain = [word.plain.lower() for word in words]
    if "with" in plain:
        at = plain.index("with")
        asked = plain[at + 1 :]
        words = words[:at]
    asked += [word.plain for word in words if _is_option(word)]
    words = [_without_key(word) for word in words if not _is_option(word)]
    chosen = read_options(asked) if asked else Chosen((), When())
    if isinstance(chosen, Trouble):
        return chosen
    like, name_words = split_addresses(words)
    address = one_address(like)
    if like and address is None:
        return Trouble(Why.ADDRESS)
    name = clean_name(name_words) if name_words else ""
    if name is None:
        return Trouble(Why.NAME)
    return chosen.put_into(line.command(name=name, address=address))


def _is_option(word: Word) -> bool:
    plain = word.plain.lower()
    return plain in _AMONG_NAMES or plain.startswith(("digest=", "delivery="))


def _without_key(word: Word) -> Word:
    """Mailman's address=a@b is a@b."""
    key, sign, value = word.written.partition("=")
    return Word(value, value) if sign and key.lower() == "address" else word


def read_signoff(line: Line) -> Command | Trouble:
    """SIGNOFF [listname | *] [address]. NETWIDE, from the days of many LISTSERVs, is all lists."""
    words = [_without_key(word) for word in line.rest if word.plain.lower() != "netwide"]
    if not words:
        return line.command()
    address = address_of(words[0]) if len(words) == 1 and "@" in words[0].written else None
    return line.command(address=address) if address else Trouble(Why.MORE)


def read_confirm(line: Line) -> Command | Trouble:
    """CONFIRM code. Without one there is nothing to confirm: memberships are not renewed."""
    code = line.rest[0].plain.lower() if len(line.rest) == 1 else ""
    if not _CODE.fullmatch(code):
        return Trouble(Why.TOKEN)
    return Command(Verb.CONFIRM, token=code)
