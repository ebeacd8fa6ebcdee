"""Leaves a list exactly as RFC 8058 says that a mail provider does: reads one copy, and posts.

    .venv/bin/python -m tests.program.one_click FILE HOST:PORT --txt NAME VALUE [--multipart]

FILE is a copy out of a Maildir that listserv wrote; HOST:PORT is where the server takes the HTTP
that a proxy would hand on; NAME and VALUE are the record of its DKIM key, as `listserv dns` prints
it. Exits with 1 and says why when the copy does not offer one click, or when the answer is not
what it should be.
"""

import argparse
import http.client
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from urllib.parse import urlsplit

from dkim.util import parse_tag_value

from tests import sink

PATIENCE = 90.0
# RFC 8058 3.2: one of these two forms, with this one pair.
FORM = "application/x-www-form-urlencoded", b"List-Unsubscribe=One-Click"
IN_PARTS = (
    "multipart/form-data; boundary=---FormBoundaryjWmhtjORrn",
    b"-----FormBoundaryjWmhtjORrn\r\n"
    b'Content-Disposition: form-data; name="List-Unsubscribe"\r\n\r\n'
    b"One-Click\r\n"
    b"-----FormBoundaryjWmhtjORrn--\r\n",
)


class Refused(Exception):
    """What a provider would find wrong."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back to the POST."""

    status: int
    header: Mapping[str, str]


def offered(path: Path, records: Mapping[str, str] | None = None) -> str:
    """The address to post to, of a copy in a Maildir; `records` are as in `sink.check`. Raises
    Refused where RFC 8058 4 forbids to offer a click, AssertionError for a bad signature."""
    return address_in(sink.check_maildir(path, records))


def address_in(copy: Message) -> str:
    """The same of a copy whose uppermost signature is good."""
    said = copy.get_all("List-Unsubscribe-Post") or []
    if [value.strip() for value in said] != ["List-Unsubscribe=One-Click"]:
        raise Refused(f"List-Unsubscribe-Post: {said}")
    fields = copy.get_all("List-Unsubscribe") or []
    if len(fields) != 1:
        raise Refused(f"List-Unsubscribe stands {len(fields)} times")
    named = [one.strip() for one in "".join(fields[0].splitlines()).split(",")]
    https = [one.removeprefix("<").removesuffix(">") for one in named if one.startswith("<https:")]
    if len(https) != 1:
        raise Refused(f"{len(https)} https addresses: {fields[0]}")
    tags = parse_tag_value((copy.get_all("DKIM-Signature") or [""])[0].encode())
    covered = [name.strip().lower() for name in tags.get(b"h", b"").split(b":")]
    for name in (b"list-unsubscribe", b"list-unsubscribe-post"):
        # Once for the field, and once more so that nobody adds another.
        if covered.count(name) != 2:
            raise Refused(f"the signature lists {name.decode()} {covered.count(name)} times")
    return https[0]


def post(url: str, host: str, port: int, form: tuple[str, bytes] = FORM) -> Answer:
    """POST once, without cookies and without whatever else would say who asks."""
    parts, (kind, body) = urlsplit(url), form
    header = {"Host": parts.netloc, "Content-Type": kind}
    with closing(http.client.HTTPConnection(host, port, timeout=PATIENCE)) as client:
        client.request("POST", parts.path, body, header)
        answer = client.getresponse()
        answer.read()
        return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()})


def check(answer: Answer) -> None:
    """Raise Refused unless it is 200, with no redirect and no cookie (RFC 8058 3.2)."""
    if answer.status != 200:
        raise Refused(f"the POST is answered with {answer.status}")
    for name in ("location", "refresh", "set-cookie"):
        if name in answer.header:
            raise Refused(f"the answer has {name}: {answer.header[name]}")


def main() -> int:
    options = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    options.add_argument("file", type=Path)
    options.add_argument("server", metavar="HOST:PORT")
    options.add_argument("--txt", nargs=2, metavar=("NAME", "VALUE"), required=True)
    options.add_argument("--multipart", action="store_true")
    chosen = options.parse_args()
    host, _, port = chosen.server.rpartition(":")
    try:
        url = offered(chosen.file, {chosen.txt[0]: chosen.txt[1]})
        check(post(url, host, int(port), IN_PARTS if chosen.multipart else FORM))
    except (Refused, AssertionError) as wrong:
        print(wrong, file=sys.stderr)
        return 1
    print(f"unsubscribed by {urlsplit(url).netloc}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
