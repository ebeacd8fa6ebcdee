"""The verbs of owners about somebody else: ADD, DELETE, INVITE, BAN, UNBAN."""

from dataclasses import replace
from datetime import date

from listserv.domain.address import parse_address
from listserv.policy.commands.command import Command, Why
from listserv.policy.commands.dates import read_end
from listserv.policy.commands.line import Line, Trouble, Word, one_address, split_addresses
from listserv.policy.commands.names import clean_name


def read_named(line: Line) -> Command | Trouble:
    """ADD or INVITE [listname] address [name], the two in any order."""
    like, others = split_addresses(line.rest)
    address = one_address(like)
    if address is None:
        return Trouble(Why.ADDRESS)
    name = clean_name(others) if others else ""
    return Trouble(Why.NAME) if name is None else line.command(address=address, name=name)


def read_whom(line: Line) -> Command | Trouble:
    """DELETE [listname] address."""
    address = one_address(line.rest)
    return line.command(address=address) if address else Trouble(Why.ADDRESS)


def read_ban(line: Line) -> Command | Trouble:
    """BAN [listname] address | @domain [UNTIL date]."""
    if not line.rest:
        return Trouble(Why.ADDRESS)
    until: date | None = None
    if len(line.rest) > 1:
        end = read_end([word.plain for word in line.rest[1:]], line.today)
        if isinstance(end, Why):
            return Trouble(end)
        until = end
    domain = _domain(line.rest[0])
    if domain:
        return replace(line.command(until=until), domain=domain)
    address = one_address(line.rest[:1])
    return line.command(address=address, until=until) if address else Trouble(Why.ADDRESS)


def read_unban(line: Line) -> Command | Trouble:
    """UNBAN [listname] address | @domain."""
    return read_ban(line) if len(line.rest) <= 1 else Trouble(Why.MORE)


def _domain(word: Word) -> str:
    """The domain of @domain, as A-labels; "" for anything else."""
    if not word.plain.startswith("@"):
        return ""
    address = parse_address("postmaster" + word.plain)
    return address.domain if address else ""
