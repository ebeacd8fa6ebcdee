"""The command line: `listserv [--config FILE] NOUN VERB`.

NOUNS is the table of what there is, one file each; a file is imported when its noun is used. What
the operator did wrong is one line on standard error and exit status 1, wrong usage is 2.
"""

from collections.abc import Iterator, MutableMapping
from importlib import import_module
from pathlib import Path

import click

from listserv import __version__
from listserv.domain.errors import ListservError

DEFAULT_CONFIG = "/etc/listserv/listserv.toml"

# noun -> where its click command is, what it is for
NOUNS: dict[str, tuple[str, str]] = {
    "init": ("init:init", "Make a configuration, a database and the DNS records to publish."),
    "serve": ("serve:serve", "Run the daemon: listeners, delivery, housekeeping."),
    "worker": ("worker:worker", "Deliver only, on a further machine."),
    "demo": ("demo:demo", "Show the program at work, without touching anything."),
    "status": ("status:status", "Show the queue, the rates, what is held, what is full."),
    "list": ("lists:lists", "Make, show, change and delete lists."),
    "member": ("members:members", "Add, import, show, change and remove members."),
    "ban": ("bans:bans", "Keep addresses and domains out."),
    "held": ("held:held", "Show and decide about held posts."),
    "digest": ("digests:digest", "Send digests now; show what a member would get."),
    "queue": ("queue:queue", "Show, retry, drop and pause what goes out."),
    "quarantine": ("quarantine:quarantine", "Show, retry, drop what delivery crashed over."),
    "bounce": ("bounces:bounces", "Show whose mail comes back, and start it again."),
    "rules": ("rules:rules", "Show what becomes of which post."),
    "dkim": ("dkim:dkim", "Make and rotate the keys that sign our mail."),
    "dns": ("dns:dns", "Print the DNS records to publish."),
    "doctor": ("doctor:doctor", "Check that everything is in place, and say what to mend."),
    "postfix": ("postfix:postfix", "Print the configuration for Postfix."),
    "config": ("config:config", "Check the configuration; print an example."),
    "db": ("db:db", "Upgrade the database."),
}


class _Nouns(MutableMapping[str, click.Command]):
    """NOUNS as click wants them: each command is imported when it is asked for."""

    def __init__(self) -> None:
        self._known: dict[str, click.Command] = {}

    def __getitem__(self, noun: str) -> click.Command:
        if noun not in self._known:
            module, _, name = NOUNS[noun][0].partition(":")
            self._known[noun] = getattr(import_module(f"listserv.cli.{module}"), name)
        return self._known[noun]

    def __setitem__(self, noun: str, command: click.Command) -> None:
        self._known[noun] = command

    def __delitem__(self, noun: str) -> None:
        del self._known[noun]

    def __iter__(self) -> Iterator[str]:
        return iter(NOUNS)

    def __len__(self) -> int:
        return len(NOUNS)

    def __contains__(self, noun: object) -> bool:
        return noun in NOUNS


class _Refused(click.ClickException):
    """A ListservError on its way out: exit status 1."""

    def show(self, file: object = None) -> None:
        # Names and addresses come from files and mail: nothing in them may steer the terminal.
        lines = (
            "".join(c if c.isprintable() else "?" for c in s) for s in self.message.split("\n")
        )
        click.echo("listserv: " + "\n".join(lines), err=True)


class _Listserv(click.Group):
    def __init__(self, **attributes: object) -> None:
        super().__init__(commands=_Nouns(), **attributes)  # type: ignore[arg-type]

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(NOUNS)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Nouns"):
            formatter.write_dl([(noun, what) for noun, (_, what) in NOUNS.items()])

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except ListservError as wrong:
            raise _Refused(str(wrong)) from None


@click.group("listserv", cls=_Listserv)
@click.option(
    "--config", type=click.Path(path_type=Path), envvar="LISTSERV_CONFIG", default=DEFAULT_CONFIG,
    show_default=True, show_envvar=True, help="The configuration file.",
)  # fmt: skip
@click.version_option(__version__, message="listserv %(version)s")
@click.pass_context
def main(ctx: click.Context, config: Path) -> None:
    """A mailing-list manager that lives entirely in e-mail."""
    ctx.obj = config
