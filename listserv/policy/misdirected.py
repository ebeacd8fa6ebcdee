"""Is this post a mail command that went to the list by mistake?

It is held, so a miss costs the list one silly mail and a false alarm delays a person's call for
help. Therefore the words that LISTSERV and Mailman taught people count in a short mail, and those
that are plain English too ("help", "leave") only when the mail says nothing else at all.
"""

import re

from listserv.domain.address import ascii_lower
from listserv.domain.lists import MailingList
from listserv.domain.post import Post

# Lines of a command with thanks and a name below it.
SHORT = 5
# Characters; a line that is longer is prose.
LONGEST_LINE = 100

# Lines are matched in lower case with single spaces; the list's own name, its address and * are
# written LIST in them.
_ASKING = (
    r"(?:(?:please|pls|plz|kindly|could|can|would|will|you|how|do|i|i'd|want|wish|like|need|to"
    r"|help me),? )*"
)
_THANKS = r"(?:[.,!]? (?:please|pls|now|immediately|asap|thanks|thank you|thx))*[.!?]*"
_LEAVE = r"(?:un-?sub(?:scribe)?|sign[ -]?off|opt[ -]out)"
_ME = r"(?:me|us|my (?:name|(?:e-?mail )?address|e-?mail)|\S+@\S+)"
_FROM = (
    r"(?:from|off|off of|out of)(?: (?:this|the|your|our|all|these))?(?: LIST)?"
    r"(?: (?:e-?mail|mailing|discussion))?(?: (?:e-?mails?|mailings?|lists?|groups?|listserv))?"
    r"(?: LIST)?"
)
_OPTION = (
    r"(?:(?:no)?(?:mail|dig|digests?|index|repro|ack|conceal|mime|html|post|review|renew)|msgack"
    r"|(?:full|short|ietf|dual|subject)hdr|(?:full|short)822|topics:.*)"
)
_WHEN = (
    r"(?:,? (?:at \d{1,2}(?:[:.]\d\d)?(?: ?[ap]\.?m)?|daily|weekly|mon|tue|wed|thu|fri|sat|sun))"
)

_CLEAR = tuple(
    re.compile(_ASKING + command + _THANKS)
    for command in (
        rf"{_LEAVE}(?: \S+)?",
        rf"{_LEAVE}(?: {_ME})?(?: {_FROM})?",
        rf"(?:{_LEAVE}|sig) LIST(?: .*)?",
        rf"(?:remove|take|delete|sign|opt) {_ME} {_FROM}",
        rf"remove {_ME}",
        r"stop (?:sending )?(?:me )?(?:all |these |your )?e?-?mails?",
        r"subscribe(?: (?:digest|nodigest|me|\S+@\S+))?(?: to (?:this list|the list|LIST))?",
        r"sub(?:scribe)? LIST(?: \S+){0,4}",
        rf"(?:quiet )?set \S+(?:,? {_OPTION})+{_WHEN}*",
        rf"(?:set )?digest(?: LIST)?{_WHEN}+",
        r"set (?:mail|nomail|digest)",
        r"set (?:ack|delivery|digest|myposts|hide|duplicates|reminders) (?:on|off|plain|mime)",
        r"nomail",
        r"timezone(?: LIST)? \S+/\S+",
        r"(?:quiet )?(?:add|del|delete) LIST \S+@\S+.*",
        r"(?:confirm|ok) (?=\S*\d)[0-9a-z]{6,}",
    )
)
_ALSO_ENGLISH = re.compile(
    r"(?:help|info|join|leave|remove|stop|cancel|end|quit|digest|mail|lists|which|who|query|review"
    r"|rev|index|stats|confirm|password|get|search|archive)(?: LIST)?|LIST|\(no subject\)"
)
_TAG = re.compile(r"\[[^]]*\]")
_STRAIGHT = str.maketrans("\u2018\u2019\u201c\u201d", "''\"\"")


def is_mail_command(post: Post, mlist: MailingList) -> bool:
    """Whether subject or first line is a command of a list server and the rest no more than a
    greeting."""
    if post.text_lines > SHORT:
        return False
    lines = [_simple(line, mlist) for line in (post.subject, post.first_line)]
    if any(command.fullmatch(line) for command in _CLEAR for line in lines):
        return True
    said = [line for line in lines if line]
    nothing_else = post.text_lines <= 1 and not post.has_attachment
    return nothing_else and bool(said) and all(map(_ALSO_ENGLISH.fullmatch, said))


def _simple(line: str, mlist: MailingList) -> str:
    """The line as the patterns want it, without [tag], quotes and a full stop. One that is too
    long to be a command comes back as one that is none."""
    line = line.strip().translate(_STRAIGHT)
    tag = _TAG.match(line)
    line = line[tag.end() :] if tag else line
    if len(line) > LONGEST_LINE:
        return "prose"
    own = {mlist.name, mlist.address, "*"}
    words = (word.strip("\"'<>") for word in ascii_lower(line).split())
    return " ".join("LIST" if word.strip(".,;:") in own else word for word in words).strip(" .,;:")
