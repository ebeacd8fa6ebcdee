"""doctor's question to our pages."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from listserv.cli.findings import State
from listserv.cli.web_check import check_web
from listserv.config import Config, Site, Web
from listserv.domain.address import Address
from listserv.web.limits import Limits
from tests.cli.shell import DOMAIN
from tests.ports import free_port
from tests.web.serving import PREFIX, Serving


@pytest.fixture
def serving(tmp_path: Path) -> Iterator[Serving]:
    server = Serving(tmp_path, Limits())
    yield server
    server.close()


def configured(url: str) -> Config:
    web = Web(listen="127.0.0.1:8026", url=url)
    return Config(site=Site(DOMAIN, DOMAIN, Address("op", "example.org")), web=web)


@pytest.mark.parametrize(
    ("url", "state", "says"),
    [
        ("http://127.0.0.1:{}", State.GOOD, "shows our pages"),
        (f"http://127.0.0.1:{{}}{PREFIX}", State.GOOD, "shows our pages"),
        ("http://127.0.0.1:{}/elsewhere", State.WRONG, "answers with status 404, but not with"),
        ("https://127.0.0.1:{}", State.WRONG, "does not answer: "),
    ],
)
def test_a_url_that_leads_to_our_pages_is_good(
    serving: Serving, url: str, state: State, says: str
) -> None:
    (found,) = check_web(configured(url.format(serving.port)))
    assert (found.state, found.about) == (state, url.format(serving.port))
    assert found.says.startswith(says)
    assert bool(found.next_step) == (state is State.WRONG)


def test_a_url_where_nobody_listens_is_told() -> None:
    (found,) = check_web(configured(f"http://127.0.0.1:{free_port()}"))
    assert found.state is State.WRONG and "Connection refused" in found.says


def test_without_a_url_the_operator_hears_what_is_missing() -> None:
    (found,) = check_web(configured(""))
    assert found.state is State.NOTE and "leaving in one click" in found.says
