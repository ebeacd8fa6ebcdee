"""Who asks for `window` gets Debian's Chromium; for `axe`, axe-core; or a skip that says what is
missing. `pytest tests/pages --screenshots FOLDER` keeps pictures of all pages."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.pages.reader import Reader
from tests.pages.window import Window
from tests.program.village import Village

CHROMIUM = Path("/usr/bin/chromium")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--screenshots", type=Path, help="a folder for pictures of the pages")


def _missing(what: str) -> None:
    if os.environ.get("CI"):
        pytest.fail(what)
    pytest.skip(what)


# Not for the session: as long as Playwright runs, this thread has an event loop, and tests of
# other files that want one of their own would find theirs taken.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """A browser without a screen that finds no host but this one."""
    if not CHROMIUM.exists():
        _missing(f"{CHROMIUM} is missing: apt-get install chromium")
    options = [
        "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        "--no-proxy-server",
        "--no-sandbox",  # root has none, and it reads nothing but our own pages
    ]
    with tempfile.TemporaryDirectory(prefix="listserv-chromium-") as home, sync_playwright() as by:
        browser = by.chromium.launch(
            executable_path=CHROMIUM,
            args=options,
            env={"HOME": home, "PATH": os.environ["PATH"], "LANG": "C.UTF-8"},
            timeout=120_000,
        )
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def axe() -> str:
    """The text of axe-core."""
    path = os.environ.get("AXE_CORE", "")
    if not path:
        _missing("AXE_CORE names no file: .ci/run fetches axe.min.js")
    return Path(path).read_text("utf-8")


@pytest.fixture
def window(chromium: Browser) -> Iterator[Window]:
    """A window of a reader's own: no cookies, nothing asked yet. It has to stay on this host and
    to keep to the policies that the pages came with."""
    opened = Window(chromium)
    yield opened
    opened.close()
    assert opened.complaints == []


@pytest.fixture(scope="module")
def village(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    """A running server with lists that have pages."""
    opened = Village(tmp_path_factory.mktemp("village"))
    yield opened
    opened.close()


@pytest.fixture
def reader(village: Village, window: Window, axe: str, request: pytest.FixtureRequest) -> Reader:
    """Somebody who has all mail of the village before them."""
    return Reader(village, window, axe, request.config.getoption("--screenshots", None))
