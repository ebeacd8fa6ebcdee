"""`pytest tests/mail --update-golden` writes the expected copies anew; review the diff. Who asks
for `formail` gets Debian's program, or a skip."""

import os
import shutil

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden/*.out.eml")


@pytest.fixture(scope="session")
def formail() -> str:
    """The path of procmail's formail."""
    found = shutil.which("formail")
    if found is None and os.environ.get("CI"):
        pytest.fail("formail is missing: apt-get install procmail")
    if found is None:
        pytest.skip("formail is not installed (apt-get install procmail)")
    return found
