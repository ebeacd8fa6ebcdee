"""What a form sends: its fields, and the token that shows that it is one of ours.

A form token is computed, nothing is stored for it: when the form was shown, and a MAC over that and
the form's purpose. It is good for an hour; who comes later sees the form again.
"""

import asyncio
import base64
import hashlib
import hmac
import re
from collections.abc import AsyncGenerator, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from urllib.parse import parse_qsl

from python_multipart.multipart import parse_options_header
from starlette.datastructures import Headers
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.types import Receive

from listserv.web.limits import Limits

# So long somebody may look at a form.
GOOD_FOR = timedelta(hours=1)
# The field that the token stands in.
FIELD = "form"
_MOST_FIELDS = 100
_MAC_BYTES = 10
_LONGEST_TOKEN = 40
# Of a Content-Length, in digits; h11 has seen to it that it is a number.
_LONGEST_LENGTH = 18
_URLENCODED = "application/x-www-form-urlencoded"
_MULTIPART = "multipart/form-data"
# RFC 2046 5.1.1
_BOUNDARY = re.compile(r"[0-9A-Za-z'()+_,./:=? -]{0,69}[0-9A-Za-z'()+_,./:=?-]")
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f]")


class Refused(Enum):
    """Why a request's body was not read: the status, and what the page says."""

    SLOW = 408
    TOO_BIG = 413
    BROKEN = 400
    GONE = 499


@dataclass(frozen=True, slots=True)
class Form:
    """The fields of a form, in their order; a name may be there several times."""

    fields: Sequence[tuple[str, str]] = ()

    def first(self, name: str) -> str:
        """The value of a field without surrounding blanks; "" for one that is not there."""
        return next((value.strip() for key, value in self.fields if key == name), "")

    def all(self, name: str) -> list[str]:
        """The values of a field that may be there several times."""
        return [value.strip() for key, value in self.fields if key == name]


def form_token(secret: bytes, purpose: str, now: datetime) -> str:
    """The token of a form that is shown now; `purpose` names the form and what it is about."""
    moment = int(now.timestamp())
    return f"{moment:x}.{_mac(secret, purpose, moment)}"


def is_fresh(secret: bytes, purpose: str, token: str, now: datetime) -> bool:
    """Whether `form_token` wrote it for this purpose within the last hour."""
    written, _, mac = token.partition(".")
    if not token.isascii() or len(token) > _LONGEST_TOKEN:
        return False
    try:
        moment = int(written, 16)
    except ValueError:
        return False
    age = now.timestamp() - moment
    if not -1 <= age <= GOOD_FOR.total_seconds():
        return False
    return hmac.compare_digest(mac, _mac(secret, purpose, moment))


def _mac(secret: bytes, purpose: str, moment: int) -> str:
    keyed = hashlib.blake2b(digest_size=_MAC_BYTES, key=secret, person=b"form")
    keyed.update(f"{moment:x} {purpose}".encode())
    return base64.b32encode(keyed.digest()).decode().lower()


class Body:
    """The body of a request; it is read once or not at all, and then drained."""

    def __init__(self, headers: Headers, receive: Receive, limits: Limits) -> None:
        self._headers = headers
        self._receive = receive
        self._limits = limits
        self._is_over = not ("content-length" in headers or "transfer-encoding" in headers)

    async def form(self) -> Form | Refused:
        """The fields of the form that it is, none where its type is that of no form; and why where
        it cannot be read."""
        length = self._headers.get("content-length", "0")
        if len(length) > _LONGEST_LENGTH or int(length) > self._limits.body_octets:
            return Refused.TOO_BIG
        try:
            async with asyncio.timeout(self._limits.body_seconds):
                body = await self._octets()
        except TimeoutError:
            self._is_over = True
            return Refused.SLOW
        if isinstance(body, Refused):
            return body
        # RFC 8058 wants a type; without one the octets are taken for what browsers send.
        kind = self._headers.get("content-type", _URLENCODED).partition(";")[0].strip().lower()
        if kind == _URLENCODED:
            return _urlencoded(body)
        return await _multipart(self._headers, body) if kind == _MULTIPART else Form()

    async def drain(self) -> None:
        """Take what is left of it: a client that is still sending when we hang up does not hear
        the answer."""
        if "expect" in self._headers:  # it waits for our word
            return
        left = self._limits.drained_octets
        with suppress(TimeoutError):
            async with asyncio.timeout(self._limits.body_seconds):
                while left > 0 and not self._is_over:
                    left -= len(await self._piece() or b"")

    async def _octets(self) -> bytes | Refused:
        body = bytearray()
        while not self._is_over:
            piece = await self._piece()
            if piece is None:
                return Refused.GONE
            body += piece
            if len(body) > self._limits.body_octets:
                return Refused.TOO_BIG
        return bytes(body)

    async def _piece(self) -> bytes | None:
        """What has come, or None when the client is gone."""
        message = await self._receive()
        self._is_over = not message.get("more_body", False)
        return bytes(message.get("body", b"")) if message["type"] == "http.request" else None


def _urlencoded(body: bytes) -> Form | Refused:
    try:
        text = body.decode("utf-8", "replace")
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MOST_FIELDS)
    except ValueError:
        return Refused.BROKEN
    return _form(pairs)


async def _multipart(headers: Headers, body: bytes) -> Form | Refused:
    async def whole() -> AsyncGenerator[bytes, None]:
        yield body

    _, parameters = parse_options_header(headers["content-type"])
    boundary = parameters.get(b"boundary", b"").decode("latin-1")
    if not _BOUNDARY.fullmatch(boundary):
        return Refused.BROKEN
    # Without their charset: it may name any codec of Python's.
    kind = Headers({"content-type": f'{_MULTIPART}; boundary="{boundary}"'})
    parser = MultiPartParser(kind, whole(), max_files=0, max_fields=_MOST_FIELDS)
    try:
        read = await parser.parse()
    except MultiPartException:
        return Refused.BROKEN
    return _form((key, value) for key, value in read.multi_items() if isinstance(value, str))


def _form(pairs: Iterable[tuple[str, str]]) -> Form:
    """What a person types has no control characters but the ends of lines."""
    return Form([(key, _CONTROLS.sub(" ", value.replace("\r\n", "\n"))) for key, value in pairs])
