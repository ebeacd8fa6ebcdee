"""What a page is told, whom it may ask, and what it says. A page knows neither HTTP nor the store:
it takes a Visit, asks the flow through a desk, and answers with a Page."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import TypeVar

from listserv.clock import Clock
from listserv.flow.site import Site
from listserv.store.session import Store, Tx
from listserv.web.forms import Form

T = TypeVar("T")
NO_FORM = Form()
# Seconds, within which such a job is done on a server with little to do.
EVEN = 0.25


@dataclass(frozen=True, slots=True)
class Visit:
    """One request: what its path names, the form of a POST, the best of the languages that the
    browser asks for, the network that it comes from ("" for a trusted proxy by itself), and the
    host that it is for, as it says itself."""

    named: Mapping[str, str]
    language: str
    client: str
    now: datetime
    form: Form = NO_FORM
    host: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """A template of ours with its values, in a language, and the status of RFC 9110 that it goes
    out with."""

    template: str
    language: str
    values: Mapping[str, object] = field(default_factory=dict)
    status: int = 200


class Window:
    """Asks the flow what is, and changes nothing: all that a GET gets."""

    def __init__(self, store: Store, site: Site, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self.site = site

    async def read(self, job: Callable[[Tx], T]) -> T:
        """Run a job in a transaction that is never committed."""
        return await asyncio.to_thread(self._store.read, job)

    def now(self) -> datetime:
        """The time."""
        return self._clock.now()


class Desk(Window):
    """Changes what is, for a POST."""

    async def write(self, job: Callable[[Tx], T]) -> T:
        """Run a job in a transaction; it is on disk when this returns. Once called it runs to its
        end, even when the client is gone."""
        return await asyncio.wrap_future(self._store.submit(job))

    async def write_evenly(self, job: Callable[[Tx], T]) -> T:
        """`write` that takes as long whatever the job finds: whose address somebody has typed is
        not to be told by a clock."""
        done, _ = await asyncio.gather(self.write(job), asyncio.sleep(EVEN))
        return done


Show = Callable[[Visit, Window], Awaitable[Page]]
Act = Callable[[Visit, Desk], Awaitable[Page]]
Proves = Callable[[Visit, Window], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Route:
    """A row of app.ROUTES: a path ({name}, or {name:token} for a token), what a GET shows, what a
    POST does, and how the token of a POST proves that no rate limit may refuse it."""

    path: str
    show: Show
    act: Act | None = None
    proves: Proves | None = None


def problem(what: str, language: str, status: int, *, reference: str = "") -> Page:
    """Why there is no page: one of the words that page-problem.html knows. `reference` is what the
    log calls it."""
    return Page("page-problem.html", language, {"what": what, "reference": reference}, status)


def not_found(visit: Visit) -> Page:
    """The one page for whatever is not there: it says the same of what is wrong, old, foreign or
    none of the visitor's business."""
    return problem("nothing", visit.language, 404)
