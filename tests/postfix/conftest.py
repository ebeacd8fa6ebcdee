"""Who asks for `root` gets a folder for a private Postfix, or a skip that says what is missing."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postfix.harness import why_not
from tests.postfix.installation import TOWN, Installation


@pytest.fixture(scope="session")
def _postfix_can_run() -> None:
    reason = why_not()
    if reason is None:
        return
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="session")
def root(_postfix_can_run: None) -> Iterator[Path]:
    """An empty folder. Not one of pytest's own: those are closed to Postfix's users."""
    with tempfile.TemporaryDirectory(prefix="listserv-postfix-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder


@pytest.fixture(scope="session", params=["dedicated", "shared"])
def site(request: pytest.FixtureRequest, root: Path) -> Iterator[Installation]:
    """listserv behind Postfix in each of the two ways; the list refuses posts of strangers."""
    folder = Path(tempfile.mkdtemp(prefix=f"site-{request.param}-", dir=root))
    folder.chmod(0o755)
    with Installation(folder, request.param) as installation:
        installation.listserv("list", "set", TOWN, "nonmember=reject")
        yield installation
