"""The world of these tests, on each kind of database."""

from itertools import count

import pytest

from listserv.flow.site import Site
from listserv.resources import JinjaTemplates
from listserv.store import site as kept
from listserv.store.session import Store
from tests import sink
from tests.flow.world import DOMAIN, StillClock, World


@pytest.fixture
def world(store: Store) -> World:
    nonces = count(1)
    site = Site(
        domains=frozenset({DOMAIN}),
        hostname=DOMAIN,
        secret=store.read(kept.secret),
        templates=JinjaTemplates(),
        spam_header="X-Spam: yes",
        nonce=lambda size: next(nonces).to_bytes(size, "big"),
        signers=sink.signers,
    )
    return World(store, site, StillClock())
