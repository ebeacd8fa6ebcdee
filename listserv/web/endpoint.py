"""Between HTTP and the pages: who asks, how often, with which form; and an answer, whatever goes
wrong."""

import logging
import secrets
from dataclasses import dataclass, replace
from math import ceil

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from listserv.store.session import StorageError
from listserv.web.forms import Body, Refused
from listserv.web.limits import Limiter, Limits, client_of
from listserv.web.page import Desk, Page, Route, Visit, Window, not_found, problem
from listserv.web.render import HEADERS, Printer, accepted_language

log = logging.getLogger("listserv.web")

# Why a form was not read, in the words of page-problem.html; the status is the reason's value.
_REFUSALS = {
    Refused.SLOW: "slow",
    Refused.TOO_BIG: "too big",
    Refused.BROKEN: "broken",
    Refused.GONE: "broken",
}


@dataclass(frozen=True, slots=True)
class Office:
    """What all endpoints share. `trusted_proxies` say by X-Forwarded-For who asks."""

    window: Window
    desk: Desk
    printer: Printer
    limiter: Limiter
    limits: Limits
    trusted_proxies: frozenset[str]


class Endpoint:
    """One row of ROUTES, or None for whatever is not there, as an ASGI application."""

    def __init__(self, office: Office, route: Route | None) -> None:
        self._office = office
        self._route = route
        acts = route is None or route.act is not None
        self._methods = ("GET", "HEAD", "OPTIONS", *(("POST",) if acts else ()))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers, method = Headers(scope=scope), scope["method"]
        body = Body(headers, receive, self._office.limits)
        language = accepted_language(headers.get("accept-language", ""))
        try:
            visit = self._visit(scope, headers, language)
            answer = await self._answer(visit, method, body)
        except Exception as error:
            answer = self._fault(error, language)
        if method == "POST" or answer.status_code >= 500:
            where = self._route.path if self._route else "-"
            log.info("%s %s %d", method, where, answer.status_code)
        await body.drain()
        await answer(scope, receive, send)

    def _visit(self, scope: Scope, headers: Headers, language: str) -> Visit:
        peer = scope["client"][0] if scope["client"] else ""
        forwarded = headers.getlist("x-forwarded-for")
        client = client_of(peer, forwarded, self._office.trusted_proxies)
        host = headers.get("host", "").lower().partition(":")[0]
        now = self._office.window.now()
        return Visit(scope.get("path_params", {}), language, client, now, host=host)

    async def _answer(self, visit: Visit, method: str, body: Body) -> Response:
        office, allow = self._office, {"allow": ", ".join(self._methods)}
        if method == "OPTIONS" and self._route is not None:
            return Response(status_code=204, headers={**HEADERS, **allow})
        if method not in self._methods:
            return office.printer.print(problem("broken", visit.language, 405), visit.now, allow)
        wait = office.limiter.take(visit.client) if visit.client else 0
        if wait and not (method == "POST" and await self._is_proven(visit)):
            later = {"retry-after": str(ceil(wait))}
            return office.printer.print(problem("busy", visit.language, 429), visit.now, later)
        page = await self._page(visit, method, body)
        return office.printer.print(page, visit.now)

    async def _is_proven(self, visit: Visit) -> bool:
        """A right token is answered however many wrong ones came from the same place."""
        proves = self._route.proves if self._route else None
        return proves is not None and await proves(visit, self._office.window)

    async def _page(self, visit: Visit, method: str, body: Body) -> Page:
        route, office = self._route, self._office
        if route is None:
            return not_found(visit)
        if method != "POST" or route.act is None:
            return await route.show(visit, office.window)
        form = await body.form()
        if isinstance(form, Refused):
            return problem(_REFUSALS[form], visit.language, form.value)
        return await route.act(replace(visit, form=form), office.desk)

    def _fault(self, error: Exception, language: str) -> Response:
        """Our own fault. The visitor sees an opaque id, under which the log has everything."""
        reference = secrets.token_hex(4)
        if isinstance(error, StorageError):
            log.error("fault %s: %s", reference, error)
        else:
            log.error("fault %s: %s", reference, type(error).__name__, exc_info=error)
        status = 503 if isinstance(error, StorageError) else 500
        page = problem("fault", language, status, reference=reference)
        return self._office.printer.print(page, self._office.window.now(), {"retry-after": "120"})
