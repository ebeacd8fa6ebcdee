"""One answer to a mail with commands: what was done, or why not, and how to take it back."""

from collections.abc import Sequence
from datetime import datetime

from listserv.domain.address import Address
from listserv.domain.lists import MailingList
from listserv.flow import notices, preferences, schedules, undo
from listserv.flow.perform import Told
from listserv.flow.question import commands_address
from listserv.flow.site import Site
from listserv.policy.linked import mailbox_key
from listserv.store import said
from listserv.store.session import Tx

# Answers of ours that somebody gets in a day.
_MAX_ANSWERS = 30


def answer(
    tx: Tx,
    site: Site,
    origin: MailingList | str,
    to: Address,
    told: Sequence[Told],
    now: datetime,
    *,
    language: str,
    in_reply_to: str = "",
    template: str = "sender-answer.txt",
) -> None:
    """Mail it, in the words of a `template`, unless other mails tell it all."""
    lines = [
        (one.line, text) for one in told if (text := in_words(site, origin, one, language, now))
    ]
    if not lines:
        return
    # What was done last is taken back first.
    steps = [step for one in reversed(told) for step in one.result.undo]
    back = undo.offer(tx, site, origin, to, steps, now) if steps else None
    # The answer to a question says itself where to go on.
    help_ = not all(one.result.text for one in told)
    notices.send(
        tx, site, origin, template, to, now,
        values={"told": lines, "undo": back is not None, "help": help_},
        language=language,
        in_reply_to=in_reply_to, answers=True, reply_to=back or commands_address(origin),
    )  # fmt: skip


def may_answer(tx: Tx, to: Address, now: datetime) -> bool:
    """Count one more answer to somebody; False when they had enough today."""
    return said.at_most(tx, "answer", mailbox_key(to), _MAX_ANSWERS, now)


def in_words(site: Site, origin: MailingList | str, one: Told, language: str, now: datetime) -> str:
    """What came of a command, in a sentence or two; "" where another mail says it."""
    result, mlist = one.result, one.mlist
    if result.text or not result.phrase:
        return result.text
    values = dict(result.values)
    if mlist is None and isinstance(origin, MailingList):
        mlist = origin
    comes = result.schedule
    values |= {
        "when": schedules.days(site, comes, language) if comes else "",
        "list": mlist.title if mlist else "",
        "owner": mlist.addresses.owner if mlist else f"postmaster@{origin}",
    }
    options = values.get("options")
    if isinstance(options, tuple):
        keys = preferences.meanings(options, values.get("delivery"), str(values["zone"]))
        values["options"] = "; ".join(site.templates.phrase(k, values, language) for k in keys)
    if "why" in values:
        values["why"] = site.templates.phrase(str(values["why"]), {}, language)
    said = site.templates.phrase(result.phrase, values, language)
    return f"{said} {schedules.next_one(site, comes, now, language)}" if comes else said
