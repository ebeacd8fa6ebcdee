"""`pytest tests/mail --update-golden` writes the expected copies anew; review the diff."""

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="rewrite tests/golden/*.out.eml")
