"""The world of the flow tests, with a worker and a relay that speaks SMTP."""

from tests.flow.conftest import world

__all__ = ["world"]
