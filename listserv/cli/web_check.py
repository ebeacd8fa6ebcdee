"""doctor's question to our pages: are they where the links in our mails point?"""

from collections.abc import Iterator
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from listserv.cli.findings import Finding, good, note, wrong
from listserv.config import Config
from listserv.domain.tokens import WEB_LENGTH

SECONDS = 10.0
# Nobody has it. OPTIONS tells whether the path is one of ours, and looks nothing up.
_NO_TOKEN = "a" * WEB_LENGTH
_GUIDE = "docs/operating.md says how under Pages"


def check_web(config: Config) -> Iterator[Finding]:
    """What is found at the URL of each domain."""
    urls = dict.fromkeys(domain.url for domain in config.domains if domain.url)
    if not urls:
        says = "is not set: copies have no link for leaving in one click, which providers want"
        yield note("web", "web.url", says, f"put a web server in front of our pages; {_GUIDE}")
    for url in urls:
        yield _look(url, config.web.listen or "")


def _look(url: str, listen: str) -> Finding:
    try:
        is_ours, status = _ask(url)
    except (OSError, HTTPException) as failed:
        says = f"does not answer: {str(failed) or type(failed).__name__}"
        return wrong(
            "web", url, says, f"start `listserv serve`, and the web server in front; {_GUIDE}"
        )
    if is_ours:
        return good("web", url, "shows our pages")
    return wrong(
        "web", url, f"answers with status {status}, but not with our pages",
        f"have the web server there pass this path on to {listen}; {_GUIDE}",
    )  # fmt: skip


def _ask(url: str) -> tuple[bool, int]:
    parts = urlsplit(url)
    made = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    connection = made(parts.hostname or "", parts.port, timeout=SECONDS)
    try:
        connection.request("OPTIONS", f"{parts.path}/u/{_NO_TOKEN}")
        answer = connection.getresponse()
        return _is_ours(answer), answer.status
    finally:
        connection.close()


def _is_ours(answer: HTTPResponse) -> bool:
    return answer.status == 204 and answer.headers.get("allow") == "GET, HEAD, OPTIONS, POST"
