"""Between the listeners and the flow: the author is looked into while no transaction is open."""

import asyncio
import secrets
from pathlib import Path

import pytest

from listserv.clock import SystemClock
from listserv.domain.authorship import Authorship, Level, VerifiedPath
from listserv.domain.post import Client, Incoming, Post, Transport
from listserv.flow.site import Site
from listserv.resources import JinjaTemplates
from listserv.smtp.intake import FlowIntake
from listserv.store import lists, posts
from listserv.store.session import Store
from tests.database import with_schema
from tests.flow.world import DOMAIN, a_message

TOWN = f"town@{DOMAIN}"
PATH, OTHER_PATH = (f"{name}-bounces+{'a' * 24}@{DOMAIN}" for name in ("town", "listserv"))
CLIENT = Client("192.0.2.1", "client.example", trusted=False)
FOUND = Authorship(Level.PROVEN, (), VerifiedPath(("example.org",)), policy="reject")

SITE = Site(
    domains=frozenset({DOMAIN}),
    hostname=DOMAIN,
    secret=bytes(32),
    templates=JinjaTemplates(),
    spam_header="X-Spam: yes",
    nonce=secrets.token_bytes,
)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    path = tmp_path / "listserv.db"
    path.write_bytes(with_schema())
    return Store(f"sqlite:///{path}")


def test_the_writer_is_free_while_the_author_is_looked_into(store: Store) -> None:
    """Ten mails that wait for the DNS hold up nobody, and what was found is stored with each."""
    now = SystemClock().now()
    mlist = store.write(
        lambda tx: lists.create(
            tx, name="town", domain=DOMAIN, settings={"nonmember": "hold"}, now=now
        )
    )
    waiting = 0
    all_wait = asyncio.Event()

    async def authenticate(incoming: Incoming, post: Post) -> Authorship:
        nonlocal waiting
        waiting += 1
        if waiting == 10:
            all_wait.set()
        await all_wait.wait()
        await asyncio.to_thread(store.write, lambda tx: lists.at(tx, "town", DOMAIN))
        assert post.author is not None
        return FOUND

    intake = FlowIntake(store, SITE, SystemClock(), authenticate)

    async def ten_mails() -> None:
        mails = [a_message("ann@example.org", (TOWN,), subject=f"{n}") for n in range(10)]
        for replies in await asyncio.gather(
            *(
                intake.message(Incoming(Transport.SMTP, CLIENT, "ann@example.org", (TOWN,), raw))
                for raw in mails
            )
        ):
            assert [reply.code for reply in replies] == [250]

    asyncio.run(asyncio.wait_for(ten_mails(), 90))
    stored = store.read(lambda tx: [posts.get(tx, number) for number in range(1, 11)])
    assert {post.authorship for post in stored} == {FOUND}
    assert {post.list_id for post in stored} == {mlist.id}
    store.close()


@pytest.mark.parametrize(
    ("recipients", "asked"),
    [((PATH,), False), ((PATH, OTHER_PATH), False), ((PATH, TOWN), True), ((TOWN,), True)],
)
def test_the_dns_is_not_asked_about_what_comes_back(
    store: Store, recipients: tuple[str, ...], asked: bool
) -> None:
    looked = []

    async def authenticate(incoming: Incoming, post: Post) -> Authorship:
        looked.append(incoming)
        return FOUND

    intake = FlowIntake(store, SITE, SystemClock(), authenticate)
    raw = a_message("mailer-daemon@example.net", recipients)
    incoming = Incoming(Transport.SMTP, CLIENT, "", recipients, raw)
    asyncio.run(asyncio.wait_for(intake.message(incoming), 90))
    assert bool(looked) is asked
    store.close()
