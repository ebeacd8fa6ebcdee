"""config: the operator's file."""

import click

from listserv import config as configuration
from listserv.cli.opening import config_path
from listserv.dkim_keys import KeyRing
from listserv.resources import JinjaTemplates, config_example


@click.group("config")
def config() -> None:
    """Check the configuration; print an example."""


@config.command()
@click.pass_context
def check(ctx: click.Context) -> None:
    """Check the file that --config or LISTSERV_CONFIG names."""
    path = config_path(ctx)
    found = configuration.load(path)
    JinjaTemplates(found.templates_dir)  # complains about the operator's own wording
    KeyRing(found).check()
    click.echo(f"{path}: good")


@config.command()
def example() -> None:
    """Print a configuration with every key explained."""
    click.echo(config_example().read_text("utf-8"), nl=False)
