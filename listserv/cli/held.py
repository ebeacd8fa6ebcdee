"""held: show and decide about posts, and requests to join, that wait for a person."""

from datetime import datetime

import click

from listserv.app import App
from listserv.cli.opening import BY, with_app
from listserv.cli.printing import json_option, print_object, print_rows
from listserv.domain.members import JoinRequest
from listserv.domain.settings import line
from listserv.flow import meant, moderate
from listserv.mail.readable import readable
from listserv.store import held as stored
from listserv.store import lists, posts
from listserv.store.held import Held, HeldState
from listserv.store.session import Tx

# So many lines of a held post are shown.
_LINES = 40
_MAX_REASON = 1000


@click.group("held")
def held() -> None:
    """Show and decide about held posts and requests to join."""


@held.command()
@click.argument("name", metavar="[LIST]", required=False)
@click.option("--discarded", is_flag=True, help="Show those that were discarded instead.")
@json_option
@with_app
def ls(app: App, name: str | None, discarded: bool, as_json: bool) -> None:
    """Show the posts and requests to join that wait for a decision, of one list or of all."""
    state = HeldState.DISCARDED if discarded else HeldState.HELD

    def look(tx: Tx) -> list[Held]:
        list_id = lists.find(tx, name).id if name else None
        return stored.ls(tx, list_id, state)

    now = app.clock.now()
    rows = [_row(one, now) for one in app.store.read(look)]
    columns = ("id", "list", "author", "subject", "reasons", "received", "waits_for")
    print_rows(rows, columns, as_json=as_json, zone=app.config.site.timezone)


@held.command()
@click.argument("held_id", metavar="ID", type=int)
@json_option
@with_app
def show(app: App, held_id: int, as_json: bool) -> None:
    """Show a held post: why it is held, who wrote it as far as is known, and the beginning of its
    text. Of a request to join: who asks, and what they say of themselves."""

    def look(tx: Tx) -> tuple[dict[str, object], str | None, str]:
        """The row, the text below it, and what is said where there is none."""
        one = stored.get(tx, held_id)
        row = _row(one, app.clock.now())
        if one.request is not None:
            return row, one.request.words or None, "(they say nothing of themselves)"
        raw = meant.raw(tx, app.site, posts.get(tx, one.post_id))
        text = None if raw is None else _text(raw)
        return row, text, "(its text is gone by retention)"

    row, text, nothing = app.store.read(look)
    zone = app.config.site.timezone
    print_object({**row, "text": text} if as_json else row, as_json=as_json, zone=zone)
    if not as_json:
        click.echo(f"\n{nothing if text is None else text}")


@held.command()
@click.argument("held_id", metavar="ID", type=int)
@click.option(
    "--trust", is_flag=True,
    help="Trust the way it came: mail of this member that comes the same way is theirs.",
)  # fmt: skip
@with_app
def approve(app: App, held_id: int, trust: bool) -> None:
    """Send a held post out, or make an applicant a member and welcome them."""
    done = app.store.write(
        lambda tx: moderate.approve(tx, app.site, held_id, BY, app.clock.now(), trust=trust)
    )
    click.echo(f"approved {done.called}")


@held.command()
@click.argument("held_id", metavar="ID", type=int)
@click.option("--reason", required=True, help="What its author, or the applicant, is told.")
@with_app
def reject(app: App, held_id: int, reason: str) -> None:
    """Do not send a held post, or do not let an applicant in, and tell them why."""
    try:
        line(_MAX_REASON)(reason)
    except ValueError as wrong:
        raise click.BadParameter(str(wrong), param_hint="--reason") from None
    done = app.store.write(
        lambda tx: moderate.reject(tx, app.site, held_id, reason, BY, app.clock.now())
    )
    click.echo(f"rejected {done.called}")


@held.command()
@click.argument("held_id", metavar="ID", type=int)
@with_app
def discard(app: App, held_id: int) -> None:
    """Do not send a held post, or do not let an applicant in, and tell nobody."""
    done = app.store.write(lambda tx: moderate.discard(tx, held_id, BY, app.clock.now()))
    click.echo(f"discarded {done.called}")


def _row(one: Held, now: datetime) -> dict[str, object]:
    own = _of_post(one) if one.request is None else _of_request(one.request)
    return {
        "id": one.id,
        "list": one.list_address,
        "author": one.author,
        "subject": one.subject,
        "reasons": [reason.because for reason in one.reasons],
        "rules": [reason.rule for reason in one.reasons],
        **own,
        "received": one.since,
        "state": one.state,
        "waits_for": _waits_for(one, now),
        "due": one.due,
        "decided_by": one.decided_by,
        "decided": one.decided,
        "note": one.note,
    }


def _of_post(one: Held) -> dict[str, object]:
    path = one.authorship.path
    spf = [f"sender {path.spf}"] if path.spf else []
    return {
        "authorship": one.authorship.level,
        "authorship_reasons": list(one.authorship.reasons),
        "came_by": [*(f"signature {domain}" for domain in path.dkim), *spf],
        "size": one.size,
    }


def _of_request(request: JoinRequest) -> dict[str, object]:
    return {
        "name": request.name,
        "delivery": request.delivery,
        "language": request.language,
        "began": request.began,
    }


def _waits_for(one: Held, now: datetime) -> str:
    if one.state is not HeldState.HELD:
        return ""
    return "its author" if one.due is not None and now < one.due else "a moderator"


def _text(raw: bytes) -> str:
    """The first lines of a message's text, with nothing in them that could steer a terminal."""
    read = readable(raw, _LINES)
    lines = [*read.lines, *_rest(read.more)]
    if read.others:
        others = [f"> {line}" for line in (*read.others, *_rest(read.more_others))]
        lines += ["", "The same as HTML, which says something else:", *others]
    return "\n".join(lines)


def _rest(more: int) -> list[str]:
    return [f"… and {more} more lines"] if more else []
