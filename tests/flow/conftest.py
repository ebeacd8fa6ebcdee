"""The world of these tests, on each kind of database."""

import pytest

from listserv.store.session import Store
from tests.flow.world import StillClock, World, a_site


@pytest.fixture
def world(store: Store) -> World:
    return World(store, a_site(store), StillClock())
