"""All pages: ROUTES is the table of paths, `pages` the ASGI application that answers them."""

from collections.abc import Iterable, Sequence
from urllib.parse import urlsplit

from starlette.convertors import Convertor, register_url_convertor
from starlette.routing import Route as Path
from starlette.routing import Router
from starlette.types import ASGIApp, Receive, Scope, Send

from listserv.web import confirm, directory, preferences, unsubscribe
from listserv.web.endpoint import Endpoint, Office
from listserv.web.page import Route

# A new page is a row here and a file beside this one.
ROUTES: Sequence[Route] = (
    Route("/u/{token:token}", unsubscribe.show, unsubscribe.act, unsubscribe.proves),
    Route("/c/{token:token}", confirm.show, confirm.act, confirm.proves),
    Route("/s/{token:token}", preferences.show, preferences.act, preferences.proves),
    Route("/settings", preferences.show_link, preferences.send_link),
    Route("/", directory.show),
    Route("/lists/{address:address}", directory.show_list, directory.join),
)


class _Name(Convertor[str]):
    """A name in a path, as it stands there."""

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


class _Token(_Name):
    """Our tokens are lower-case base32; what cannot be one is asked of nobody."""

    regex = "[a-z2-7]{20,64}"


class _Address(_Name):
    regex = "[^/@]+@[^/@]+"


register_url_convertor("token", _Token())
register_url_convertor("address", _Address())


def pages(office: Office) -> ASGIApp:
    """The application. A URL of ours may have a path, which a proxy takes away or does not."""
    routes = [Path(route.path, Endpoint(office, route)) for route in ROUTES]
    prefixes = {urlsplit(url).path for url in office.window.site.urls.values()}
    # What is redirected is answered by a Location that the client's Host would make.
    without = Router(routes, redirect_slashes=False, default=Endpoint(office, None))
    router = Router(routes, redirect_slashes=False, default=_WithoutPrefix(without, prefixes))
    return _Printable(router)


class _WithoutPrefix:
    """Takes the path of our URL away from that of a request that is not there with it."""

    def __init__(self, application: ASGIApp, prefixes: Iterable[str]) -> None:
        self._application = application
        self._prefixes = sorted(filter(None, prefixes), key=len, reverse=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        prefix = next((one for one in self._prefixes if path.startswith(f"{one}/")), "")
        inner = {**scope, "path": path.removeprefix(prefix)}
        await self._application(inner, receive, send)


class _Printable:
    """Nothing is at a path with a control character: the router takes a line end for its end."""

    def __init__(self, application: ASGIApp) -> None:
        self._application = application

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        inner = {**scope, "path": path if path.isprintable() else ""}
        await self._application(inner, receive, send)
