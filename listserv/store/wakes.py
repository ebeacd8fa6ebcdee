"""New work wakes the delivery processes of every machine: PostgreSQL tells them once it is
committed (LISTEN, NOTIFY). A call may get lost with a connection, so they look by themselves as
well; with an SQLite file there is one machine, where `serve` wakes its own.
"""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine, create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from listserv.store.session import Store, Tx

_CHANNEL = "listserv_work"
# The listener looks so often whether it is to stop, and waits so long for a lost server; seconds.
_PATIENCE = 0.5


def call(tx: Tx) -> None:
    """Once this transaction is committed, there is new work."""
    if tx.dialect.name == "postgresql":
        tx.exec_driver_sql(f"NOTIFY {_CHANNEL}")


@contextmanager
def listening(store: Store, wake: Callable[[], None]) -> Iterator[None]:
    """Meanwhile `wake` is called, from another thread, whenever there may be new work."""
    if store.is_sqlite:
        yield
        return
    stop = threading.Event()
    engine = create_engine(store.url, isolation_level="AUTOCOMMIT", poolclass=NullPool)
    listen = threading.Thread(target=_listen, args=(engine, wake, stop), name="listen", daemon=True)
    listen.start()
    try:
        yield
    finally:
        stop.set()
        listen.join(4 * _PATIENCE)  # a server that does not answer is not waited for


def _listen(engine: Engine, wake: Callable[[], None], stop: threading.Event) -> None:
    driver_error = engine.dialect.loaded_dbapi.Error
    while not stop.is_set():
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql(f"LISTEN {_CHANNEL}")
                driver = connection.connection.driver_connection
                wake()  # what was called before is not heard
                while driver is not None and not stop.is_set():
                    for _ in driver.notifies(timeout=_PATIENCE, stop_after=1):
                        wake()
        except (DBAPIError, driver_error):
            stop.wait(_PATIENCE)  # whoever writes or reads tells of it
