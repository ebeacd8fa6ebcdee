"""Who asks for `root` gets a folder for a private Postfix, or a skip that says what is missing."""

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.postfix.harness import why_not


@pytest.fixture(scope="session")
def _postfix_can_run() -> None:
    reason = why_not()
    if reason is None:
        return
    if os.environ.get("CI"):
        pytest.fail(reason)
    pytest.skip(reason)


@pytest.fixture(scope="module")
def root(_postfix_can_run: None) -> Iterator[Path]:
    """An empty folder. Not one of pytest's own: those are closed to Postfix's users."""
    with tempfile.TemporaryDirectory(prefix="listserv-postfix-", dir="/tmp") as name:
        folder = Path(name)
        folder.chmod(0o755)
        yield folder
