"""The mail commands: COMMANDS, a table. What each is called, takes and does, and who may.

A new command is a word in command.Verb, a row here with the function that reads what stands behind
its word, its phrases in templates/, a line of tests/policy/commands/lines.txt, and what it does in
the flow. docs/commands.md is printed from this table.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from listserv.policy.commands import joining, member, owners
from listserv.policy.commands.command import Command, Option, Verb, Why
from listserv.policy.commands.delivery import OPTIONS, read_set
from listserv.policy.commands.line import Line, Trouble, abbreviations
from listserv.policy.commands.times import read_timezone
from listserv.policy.markdown import markdown
from listserv.policy.trust import Act


class Who(StrEnum):
    """Who may, of a list; each may what those above may."""

    ANYBODY = "anybody"
    MEMBER = "member"
    MODERATOR = "moderator"
    OWNER = "owner"


class About(StrEnum):
    """Which list a command is about. NO: none. ONE: it has to be known which. MAYBE: one or none.
    MINE: one or all of the writer's own; "" means their only one."""

    NO = "no list"
    ONE = "one list"
    MAYBE = "a list or none"
    MINE = "a list, or * for all"


@dataclass(frozen=True, slots=True)
class Row:
    """One row. `words`: the least abbreviation in capitals, the canonical word first. `form`: how
    it is written. `act`: the column of policy/trust.py that judges it, None for a question, whose
    answer goes to the author alone, or where a token acts."""

    verb: Verb
    words: tuple[str, ...]
    form: str
    who: Who
    act: Act | None
    about: About
    read: Callable[[Line], Command | Trouble]

    def example(self, list_name: str, *, full: bool = False) -> str:
        """A whole line to send; `full` with the first of what is optional."""
        form = self.form.removeprefix("[QUIET] ").replace("option [option]", Option.DIGEST)
        kept = r" \1" if full else ""
        form = re.sub(r" \[([^]|]*[^]| ])[^]]*\]", kept, form)
        return form.replace("listname", list_name or "listname")


_ANYBODY, _MEMBER, _MODERATOR, _OWNER = Who
_DELIVERY, _MEMBERSHIP = Act.DELIVERY, Act.MEMBERSHIP
_NO, _ONE, _MAYBE, _MINE = About

COMMANDS: tuple[Row, ...] = (
    Row(Verb.SUBSCRIBE, ("SUBscribe", "JOIN"),
        "SUBSCRIBE listname [your name | ANONYMOUS] [DIGEST | NOMAIL]",
        _ANYBODY, _MEMBERSHIP, _ONE, joining.read_subscribe),
    Row(Verb.SIGNOFF, ("SIGNOFF", "SIG", "UNSUBscribe", "LEAVE"), "SIGNOFF listname",
        _MEMBER, _MEMBERSHIP, _MINE, joining.read_signoff),
    Row(Verb.SET, ("SET",), "SET listname option [option]",
        _MEMBER, _DELIVERY, _MINE, read_set),
    Row(Verb.BREAK, ("BREAK", "PAUSE"), "BREAK listname [UNTIL 1 June | 2 WEEKS]",
        _MEMBER, _DELIVERY, _MINE, member.read_break),
    Row(Verb.BACK, ("BACK", "RESUME"), "BACK listname",
        _MEMBER, _DELIVERY, _MINE, member.read_alone),
    Row(Verb.NAME, ("NAME", "REGister"), "NAME listname your name",
        _MEMBER, _DELIVERY, _MINE, member.read_name),
    Row(Verb.TIMEZONE, ("TIMEZONE", "TZ", "ZEITZONE"), "TIMEZONE listname Europe/Berlin",
        _MEMBER, _DELIVERY, _MINE, read_timezone),
    Row(Verb.LANGUAGE, ("LANGuage", "SPRACHE"), "LANGUAGE listname English",
        _MEMBER, _DELIVERY, _MINE, member.read_language),
    Row(Verb.PREFERENCES, ("PREFerences", "EINSTELLungen"), "PREFERENCES listname",
        _MEMBER, None, _MINE, member.read_preferences),
    Row(Verb.CHANGE, ("CHANGE",), "CHANGE listname new-address",
        _MEMBER, _MEMBERSHIP, _MINE, member.read_change),
    Row(Verb.ALSO, ("ALSO",), "ALSO listname other-address",
        _MEMBER, _MEMBERSHIP, _MINE, member.read_also),
    Row(Verb.QUERY, ("Query",), "QUERY listname",
        _MEMBER, None, _MINE, member.read_question),
    Row(Verb.WHICH, ("WHICH",), "WHICH",
        _ANYBODY, None, _NO, member.read_alone),
    Row(Verb.REVIEW, ("REView", "WHO"), "REVIEW listname",
        _MEMBER, None, _ONE, member.read_question),
    Row(Verb.INFO, ("Info",), "INFO listname",
        _ANYBODY, None, _MAYBE, member.read_question),
    Row(Verb.LISTS, ("Lists",), "LISTS",
        _ANYBODY, None, _NO, member.read_question),
    Row(Verb.HELP, ("Help",), "HELP",
        _ANYBODY, None, _MAYBE, member.read_help),
    Row(Verb.CONFIRM, ("CONFIRM", "OK", "YES", "APPROVE", "AUTH"), "CONFIRM code",
        _ANYBODY, None, _NO, joining.read_confirm),
    Row(Verb.END, ("END", "QUIT", "STop", "EXIT"), "END",
        _ANYBODY, None, _NO, member.read_alone),
    Row(Verb.INDEX, ("INDex",), "INDEX listname",
        _ANYBODY, None, _MAYBE, member.read_anything),
    Row(Verb.GET, ("GET", "GETPOST"), "GET listname number",
        _ANYBODY, None, _MAYBE, member.read_anything),
    Row(Verb.SEND, ("SENDme",), "SEND listname number",
        _ANYBODY, None, _MAYBE, member.read_anything),
    Row(Verb.SEARCH, ("SEArch", "SCAN"), "SEARCH words IN listname",
        _ANYBODY, None, _MAYBE, member.read_anything),
    Row(Verb.PASSWORD, ("PASSword", "PW"), "PASSWORD",
        _ANYBODY, None, _MAYBE, member.read_anything),
    Row(Verb.HOLD, ("HOLD",), "HOLD listname",
        _MODERATOR, _MEMBERSHIP, _ONE, member.read_alone),
    Row(Verb.FREE, ("FREE",), "FREE listname",
        _MODERATOR, _MEMBERSHIP, _ONE, member.read_alone),
    Row(Verb.AWAY, ("AWAY", "ABWESEND"), "AWAY listname UNTIL 1 June",
        _MODERATOR, _DELIVERY, _MINE, member.read_away),
    Row(Verb.ADD, ("ADD",), "[QUIET] ADD listname address [name]",
        _OWNER, _MEMBERSHIP, _ONE, owners.read_named),
    Row(Verb.DELETE, ("DELete",), "[QUIET] DELETE listname address",
        _OWNER, _MEMBERSHIP, _ONE, owners.read_whom),
    Row(Verb.SET_FOR, (), "[QUIET] SET listname option [option] FOR address",
        _OWNER, _MEMBERSHIP, _ONE, read_set),
    Row(Verb.INVITE, ("INVite",), "INVITE listname address [name]",
        _OWNER, _MEMBERSHIP, _ONE, owners.read_named),
    Row(Verb.BAN, ("BAN",), "BAN listname address [UNTIL 1 June]",
        _OWNER, _MEMBERSHIP, _ONE, owners.read_ban),
    Row(Verb.UNBAN, ("UNBAN",), "UNBAN listname address",
        _OWNER, _MEMBERSHIP, _ONE, owners.read_unban),
)  # fmt: skip

BY_VERB: Mapping[Verb, Row] = {row.verb: row for row in COMMANDS}
BY_WORD: Mapping[str, Row] = {
    word: row for row in COMMANDS for word in abbreviations(row.words, row)
}
# QUIET before one of these: the person concerned is not written to.
MAY_BE_QUIET = frozenset({Verb.ADD, Verb.DELETE, Verb.SET_FOR})


def commands_table(phrase: Callable[[str], str]) -> str:
    """docs/commands.md; `phrase` gives the words for a key."""
    rows = [("command", "other words", "does", "who", "judged as")]
    for row in COMMANDS:
        others = ", ".join(row.words)
        form = row.form.replace("|", r"\|")
        rows.append((f"`{form}`", others, phrase(f"help.{row.verb.key}"), row.who, row.act or ""))
    options = [("option", "words", "means")]
    for option in OPTIONS:
        meaning = phrase(f"option.{option.option.key}")
        options.append((option.option, ", ".join(option.words), meaning))
    whys = [("said of a line that is not understood",), *((phrase(f"why.{why}"),) for why in Why)]
    return (
        f"# Commands by mail\n\n{_HOW_TO_WRITE}\n{markdown(rows)}\n## Options of SET\n\n"
        f"{_HOW_TO_SET}\n{markdown(options)}\n## What is not understood\n\n{_NOT_UNDERSTOOD}\n"
        f"{markdown(whys)}"
    )


_HOW_TO_WRITE = """\
Send commands to the address of a list with `-request` behind the list's name, or to `listserv@`,
in the subject or in the text, one a line. At `-request` the name of the list may be left out. Small
letters do. Of the words in the second column the small letters may be left out. What is in square
brackets is optional; do not write the brackets.

Reading stops at `END`, at a signature, at a quotation, after ten lines, and after two lines that
are no commands.

Some addresses are a command by themselves; the mail need not say anything. For a list `town@`:

| write to | is |
| --- | --- |
| `town-join@`, `town-subscribe@`, `town+subscribe@` | `SUBSCRIBE town` |
| `town+subscribe-digest@`, `town+subscribe-nomail@` | the same with `DIGEST` or `NOMAIL` |
| `town-leave@`, `town-unsubscribe@`, `town-signoff@`, `town+unsubscribe@` | `SIGNOFF town` |
| `town+digest@`, `town+mail@`, `town+nomail@` | `SET town DIGEST`, `MAIL`, `NOMAIL` |
| `town-leave+TOKEN@`, in a copy's List-Unsubscribe | leaving, for whoever got that copy |

## What becomes of a mail

How far its author is believed decides, by docs/trust.md; the last column below is the kind of mail.

- **It acts at once**, and one answer says for each command what was done. Where it says so, a
  reply with `undo` takes all of it back for seven days. Such a reply may also be another command.
- **It waits for a yes.** The address that it is about is asked, in a mail without a word of
  whoever wrote; a reply whose first word is `yes`, `ok` or `confirm` (or `ja`, `oui`) acts, from
  whatever address it comes, within 14 days. Nobody else hears anything. Unless
  the author is proven, at most one such mail that nobody has answered goes to an address in a day,
  and three in 30 days. Joining a list with `subscription=confirm` waits for a yes in any case, a
  change of address for one from the new address.
- **It waits for people**: joining a list with `subscription=approve`, until `listserv held approve`
  or `reject`. What else the mail says is for them to read.
- **It does nothing**: mail of a program, mail that its author's domain calls forged, spam, and a
  mail that came before. None of it is answered.

Only an author who is believed gets an answer, so that nobody learns who is a member and no
stranger's address can be filled with our mail; 30 answers a day are the most.

The code of a question or of an undo stands in the Reply-To alone: just reply. It is good once.
`CONFIRM code` is for mail programs that cannot reply there.

`QUIET` before `ADD`, `DELETE` or `SET ... FOR`: the person concerned is not written to. What owners
and moderators do by mail is written to the list's log, `listserv list log LIST`.

## The commands
"""
_HOW_TO_SET = """\
Whether mail comes is one thing, how it comes another: `NOMAIL` keeps how it came, and the next
`MAIL` brings that back. `MAIL` while mail comes cancels the digest; `DIGEST` turns mail on as well.
Mailman's `set digest plain`, `set digest off`, `set delivery off` and the like are understood.

Behind `DIGEST` stands when it comes: `DIGEST AT 7 PM`, `DIGEST AT 19:30`, `DIGEST MON THU`,
`DIGEST WEEKLY` (on Monday), `DIGEST DAILY AT 8`, in German `DIGEST MONTAG UM 19 UHR`. What is not
said stays as it was; at first it comes each day, at the hour of the list. That is by the clocks of
the place where the member lives: `TIMEZONE Berlin`, a big city, or `TIMEZONE America/New_York`.
`SET` takes `TIMEZONE` too, so that owners can say it for somebody. Until then the zone is the
site's, or the one that the Date of the mail by which somebody joined points to: their welcome
names it.

`PREFERENCES` is answered with a link to a page where all this is set without commands. The link is
good for 24 hours, and for one membership; it can be asked for on the site's page as well. Where the
site has no pages (`web.url`), the answer says that settings are made by mail.
"""
_NOT_UNDERSTOOD = """\
A line that is no command is answered with the nearest command, whole, and one of these sentences.
"""
