"""Opening an installation for one command: configuration, database, parts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import click

from listserv import config
from listserv.app import App, build
from listserv.domain.errors import ListservError
from listserv.store.session import StorageError

P = ParamSpec("P")
T = TypeVar("T")

# Who acts, in the event log.
BY = "command line"


def config_path(ctx: click.Context) -> Path:
    """The file that --config or LISTSERV_CONFIG names."""
    path = ctx.find_root().obj
    assert isinstance(path, Path)
    return path


def with_app(command: Callable[Concatenate[App, P], T]) -> Callable[P, T]:
    """Give a command the App of --config as its first argument, and close it afterwards."""

    @wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> T:
        with storage_errors():
            app = build(config.load(config_path(click.get_current_context())))
            try:
                return command(app, *args, **kwargs)
            finally:
                app.store.close()

    return run


@contextmanager
def storage_errors() -> Iterator[None]:
    """Say in one line what a database that is locked, full or gone says in many."""
    try:
        yield
    except StorageError as wrong:
        raise ListservError(f"storage.database: {' '.join(str(wrong).split())}") from None
