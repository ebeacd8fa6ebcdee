"""rules: the posting rules in force, how far a mail acts by who wrote it, and what a list's content
rules would have done."""

import click

from listserv.app import App
from listserv.cli.opening import with_app
from listserv.cli.printing import json_option, print_object, print_rows, progress
from listserv.domain.errors import ListservError
from listserv.flow.rehearse import MOST, Rehearsal, Rehearsed
from listserv.policy.content_rules import REGEX_SECONDS
from listserv.policy.posting import rules_table
from listserv.policy.trust import trust_table
from listserv.store import lists, posts

_COLUMNS = ("post", "received", "author", "subject", "rule", "would")


@click.command("rules")
@click.argument("name", metavar="[LIST]", required=False)
@click.option("--trust", is_flag=True, help="Show how far a mail acts by who wrote it instead.")
@click.option(
    "--test", is_flag=True, help="Show what LIST's content rules would have done with its posts."
)
@json_option
def rules(name: str | None, trust: bool, test: bool, as_json: bool) -> None:
    """Show the posting rules in force on LIST, with its values; or without LIST all of them."""
    if test and (trust or name is None):
        raise click.UsageError("--test is about the content rules of one LIST, and nothing else")
    if as_json and not test:
        raise click.UsageError("--json goes with --test: the tables are for people")
    if name is not None and test:
        _test(name, as_json)
    elif name is not None:
        click.echo(_of_list(name, trust), nl=False)
    else:
        click.echo(
            trust_table(require_proven_author=True) if trust else rules_table(None), nl=False
        )


@with_app
def _of_list(app: App, name: str, trust: bool) -> str:
    mlist = app.store.read(lambda tx: lists.find(tx, name))
    required = app.config.auth.require_proven_author
    if trust:
        return trust_table(require_proven_author=required)
    return rules_table(mlist, require_proven_author=required)


@with_app
def _test(app: App, name: str, as_json: bool) -> None:
    mlist = app.store.read(lambda tx: lists.find(tx, name))
    file, zone = mlist.settings.content_rules, app.config.site.timezone
    if not file:
        raise ListservError(
            f"{mlist.address} has no content rules: listserv list set {mlist.address}"
            " content_rules=FILE"
        )
    found = app.site.rule_files.read(file)
    ids = app.store.read(lambda tx: posts.recent(tx, mlist.id, MOST))
    rehearsal, seen = Rehearsal(mlist, found), list[Rehearsed]()
    with progress("searching posts", len(ids)) as show:
        for post_id in ids:
            seen.append(app.store.read(lambda tx: rehearsal.look(tx, post_id)))  # noqa: B023
            show(len(seen))
    rows = [row for one in seen for row in _rows(one)]
    summary = {
        "list": mlist.address,
        "content_rules": file,
        "searched": sum(one.findings is not None for one in seen),
        "gone": sum(one.findings is None for one in seen),
        "held": sum(one.findings is not None and bool(one.findings.holds) for one in seen),
    }
    if as_json:
        print_object({**summary, "posts": rows}, as_json=True, zone=zone)
        return
    if rows:
        print_rows(rows, _COLUMNS, as_json=False, zone=zone)
    click.echo(_in_words(summary))


def _rows(one: Rehearsed) -> list[dict[str, object]]:
    """One row for each rule that applies or took too long."""
    if one.findings is None:
        return []
    post, findings = one.post, one.findings
    would = [(rule, list(rule.does), False) for rule in findings.rules]
    too_slow = [f"nothing: it takes longer than {REGEX_SECONDS:g} s"]
    would += [(rule, too_slow, True) for rule in findings.slow]
    return [
        {
            "post": post.id,
            "received": post.received,
            "author": post.author,
            "subject": post.subject,
            "rule": rule.name,
            "would": does,
            "slow": slow,
        }
        for rule, does, slow in sorted(would, key=lambda row: row[0].line)
    ]


def _in_words(summary: dict[str, object]) -> str:
    return (
        "{list}: {searched} of the last posts searched with {content_rules}, {held} would have"
        " been held; the text of {gone} more is gone by retention"
    ).format_map(summary)
