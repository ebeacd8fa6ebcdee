"""A running web server for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from listserv.web.limits import Limits
from tests.web.serving import Serving


@pytest.fixture
def serving(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Serving]:
    """With other limits: @pytest.mark.parametrize("serving", [Limits(...)], indirect=True)."""
    server = Serving(tmp_path, getattr(request, "param", Limits()))
    yield server
    server.close()
