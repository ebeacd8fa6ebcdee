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
    Route("/lists/{address}", directory.show_list, directory.join),
)


class _Token(Convertor[str]):
    """Our tokens are lower-case base32; what cannot be one is asked of nobody."""

    regex = "[a-z2-7]{20,64}"

    def convert(self, value: str) -> str:
        return value

    def to_string(self, value: str) -> str:
        return value


register_url_convertor("token", _Token())


def pages(office: Office) -> ASGIApp:
    """The application. A URL of ours may have a path, which a proxy takes away or does not."""
    routes = [Path(route.path, Endpoint(office, route)) for route in ROUTES]
    # What is redirected is answered by a Location that the client's Host would make.
    router = Router(routes, redirect_slashes=False, default=Endpoint(office, None))
    return _WithoutPrefix(router, {urlsplit(url).path for url in office.window.site.urls.values()})


class _WithoutPrefix:
    """Takes the path of our URL away from that of a request."""

    def __init__(self, application: ASGIApp, prefixes: Iterable[str]) -> None:
        self._application = application
        self._prefixes = sorted(filter(None, prefixes), key=len, reverse=True)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"]
        prefix = next((one for one in self._prefixes if path.startswith(f"{one}/")), "")
        # A line end would be taken for the end of the path.
        inner = path.removeprefix(prefix) if path.isprintable() else ""
        await self._application({**scope, "path": inner}, receive, send)
