"""A form to join a list -> the command by which somebody would say the same by mail."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from listserv.domain.address import Address, Recipient, Role, parse_address
from listserv.domain.lists import MailingList
from listserv.policy.commands.command import Command, Option, Verb
from listserv.policy.commands.grammar import parse
from listserv.policy.commands.line import words_of
from listserv.policy.commands.names import clean_name

# What moderators are told of an applicant, in characters.
MOST_WORDS = 500
_ROBOT = Recipient(Role.ROBOT, "")
_DELIVERY = {"mail": Option.MAIL, "digest": Option.DIGEST, "nomail": Option.NOMAIL}


@dataclass(frozen=True, slots=True)
class Joining:
    """Whose address is to be asked, about which command, and the `words` for moderators."""

    address: Address
    command: Command
    words: str


def joining(
    mlist: MailingList, given: Mapping[str, str], today: date
) -> Joining | Mapping[str, str]:
    """What a form with address, name, delivery and words wants; or a phrase for each field with
    something wrong. All but the address may be empty."""
    wrong = {}
    address = parse_address(given.get("address", "").strip())
    if address is None:
        wrong["address"] = "form.address"
    written = given.get("name", "").strip()
    name = clean_name(words_of(written)) if written else ""
    delivery = given.get("delivery", "") or mlist.settings.default_delivery
    if delivery not in _DELIVERY:
        wrong["delivery"] = "why.option"
    words = _clean(given.get("words", ""))
    if len(words) > MOST_WORDS:
        wrong["words"] = "form.words"
    # What is the list's own way anyway is not said: it would change that of who is a member.
    is_usual = delivery == mlist.settings.default_delivery
    options = () if is_usual or "delivery" in wrong else (_DELIVERY[delivery],)
    command = Command(Verb.SUBSCRIBE, mlist.name, name=name or "", options=options)
    if name is None or not _is_read_back(command, mlist, today):
        wrong["name"] = "why.name"
    if address is None or wrong:
        return wrong
    return Joining(address, command, words)


def _clean(text: str) -> str:
    """A text of several lines without control characters."""
    lines = ("".join(filter(str.isprintable, line)) for line in text.splitlines())
    return "\n".join(lines).strip()


def _is_read_back(command: Command, mlist: MailingList, today: date) -> bool:
    """Whether its line is this command: it is kept as a line until the address has said yes."""
    read = parse(str(command), (), _ROBOT, {mlist.name}, domain=mlist.domain, today=today)
    return read == (command,)
