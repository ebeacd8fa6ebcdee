"""What a page may do: a GET reads, a POST writes; and a server that cannot listen says so."""

import asyncio
import socket
from contextlib import closing

import pytest

from listserv.domain.errors import ListservError
from listserv.store import lists
from listserv.store.session import Store, Tx
from listserv.web.limits import Limits
from listserv.web.page import EVEN, Desk, Window
from listserv.web.server import start_web
from tests.flow.world import DOMAIN, StillClock, a_site


def test_what_a_get_writes_is_not_kept_and_what_a_post_writes_is(store: Store) -> None:
    site, clock = a_site(store), StillClock()

    def found(tx: Tx) -> str:
        mlist = lists.create(tx, name="town", domain=DOMAIN, settings={}, now=clock.now())
        return mlist.address

    def names() -> list[str]:
        return [name for name, _ in store.read(lambda tx: list(lists.names(tx)))]

    assert asyncio.run(Window(store, site, clock).read(found)) == f"town@{DOMAIN}"
    assert names() == []
    assert asyncio.run(Desk(store, site, clock).write(found)) == f"town@{DOMAIN}"
    assert names() == ["town"]


def test_an_answer_about_a_typed_address_takes_as_long_whatever_there_is_to_do(
    store: Store,
) -> None:
    desk = Desk(store, a_site(store), StillClock())

    async def done() -> tuple[str, float]:
        loop = asyncio.get_running_loop()
        began = loop.time()
        said = await desk.write_evenly(lambda tx: "nothing")
        return said, loop.time() - began

    said, took = asyncio.run(done())
    assert said == "nothing" and took > 0.9 * EVEN


@pytest.mark.parametrize("where", ["127.0.0.1:{}", "192.0.2.1:0"])
def test_a_server_that_cannot_listen_names_the_setting(where: str) -> None:
    async def nothing(scope: object, receive: object, send: object) -> None: ...

    with closing(socket.create_server(("127.0.0.1", 0))) as taken:
        listen = where.format(taken.getsockname()[1])
        with pytest.raises(ListservError, match=r"web\.listen: cannot listen at"):
            asyncio.run(start_web(listen, nothing, Limits()))
