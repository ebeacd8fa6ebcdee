"""Forms: the token that shows that one is ours, and bodies of any kind."""

import asyncio
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from starlette.datastructures import Headers

from listserv.web.forms import Body, Form, Refused, form_token, is_fresh
from listserv.web.limits import Limits

SECRET = b"s" * 32
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
FORM = "application/x-www-form-urlencoded"
PARTS = "multipart/form-data; boundary=b"


@pytest.mark.parametrize(
    ("later", "good"), [(0, True), (3600, True), (3602, False), (-30, False), (10**9, False)]
)
def test_a_form_is_good_for_an_hour(later: int, good: bool) -> None:
    token = form_token(SECRET, "join", NOW)
    assert is_fresh(SECRET, "join", token, NOW + timedelta(seconds=later)) is good


def test_a_form_is_good_for_one_thing_of_one_site() -> None:
    token = form_token(SECRET, "join a@x.test", NOW)
    assert not is_fresh(SECRET, "join b@x.test", token, NOW)
    assert not is_fresh(b"t" * 32, "join a@x.test", token, NOW)
    moment, _, mac = token.partition(".")
    later = f"{int(moment, 16) + 1:x}.{mac}"
    assert not is_fresh(SECRET, "join a@x.test", later, NOW + timedelta(seconds=2))


@given(st.text() | st.text("0123456789abcdef._-").map(lambda text: f"{text * 20}."))
@example("f" * 400 + ".x")
@example("\u0664.x")
def test_nothing_else_is_a_form_s_token(text: str) -> None:
    assert not is_fresh(SECRET, "join", text, NOW)


def read(body: Sequence[bytes], kind: str | None, length: int | None = None) -> Form | Refused:
    """Read a body that comes in these pieces; after the last one the client says no more."""
    header = {"content-type": kind} if kind is not None else {}
    header["content-length"] = str(length or 1)
    pieces = iter(enumerate(body, 1))

    async def receive() -> dict[str, Any]:
        piece = next(pieces, None)
        if piece is None:
            return {"type": "http.disconnect"}
        return {"type": "http.request", "body": piece[1], "more_body": piece[0] < len(body)}

    return asyncio.run(Body(Headers(header), receive, Limits(body_octets=100)).form())


FORMS: tuple[tuple[str | None, bytes, list[tuple[str, str]]], ...] = (
    (FORM, b"name=Zo%C3%AB+Z&name=b&empty=&bare", [("name", "Zoë Z"), ("name", "b")]),
    (FORM, "name=Zoë".encode(), [("name", "Zoë")]),
    (FORM, b"name=%FF", [("name", "\N{REPLACEMENT CHARACTER}")]),
    (None, b"name=a", [("name", "a")]),
    ("text/plain", b"name=a", []),
    ("", b"name=a", []),
    (FORM, b"name=a%00b%1b%7f%0d%0ac%09d%0a", [("name", "a b  \nc\td")]),
    *(
        (f"{PARTS}; charset={charset}", b'--b\r\nContent-Disposition: form-data; name="name"'
         b"\r\n\r\n\\ud800+2AA-\xc3\xab\r\n--b--\r\n", [("name", "\\ud800+2AA-ë")])
        for charset in ("idna", "unicode_escape", "utf-7", "rot13", "utf-16", "nonsense")
    ),
    (PARTS, b'--b\r\nContent-Disposition: form-data; name="name"\r\n\r\n\xc3\xab\r\n--b--\r\n',
     [("name", "ë")]),
)  # fmt: skip


@pytest.mark.parametrize(("kind", "body", "expected"), FORMS)
def test_the_fields_of_a_form(
    kind: str | None, body: bytes, expected: list[tuple[str, str]]
) -> None:
    form = read([body], kind)
    assert isinstance(form, Form)
    assert form.all("name") == [value for _, value in expected]
    assert form.first("name") == (expected[0][1] if expected else "")
    assert form.first("none") == "" and form.all("none") == []


REFUSED = (
    (FORM, (b"x" * 101,), None, Refused.TOO_BIG),
    (FORM, (b"x" * 60, b"x" * 60), None, Refused.TOO_BIG),
    (FORM, (b"",), 101, Refused.TOO_BIG),
    (PARTS, (b"x" * 101,), None, Refused.TOO_BIG),
    (FORM, (b"a=b&" * 25, b""), None, Form),
    (PARTS, (b"no part",), None, Refused.BROKEN),
    ("multipart/form-data", (b"--b",), None, Refused.BROKEN),
    ('multipart/form-data; boundary="\xff"', (b"--\xff",), None, Refused.BROKEN),
    ("multipart/form-data; boundary=" + "b" * 71, (b"--b",), None, Refused.BROKEN),
)


@pytest.mark.parametrize(("kind", "body", "length", "expected"), REFUSED)
def test_what_is_too_long_or_broken_is_not_read(
    kind: str, body: Sequence[bytes], length: int | None, expected: object
) -> None:
    got = read(body, kind, length)
    assert got is expected or type(got) is expected


def test_who_hangs_up_is_not_waited_for() -> None:
    header = {"transfer-encoding": "chunked"}

    async def receive() -> dict[str, Any]:
        return {"type": "http.disconnect"}

    assert asyncio.run(Body(Headers(header), receive, Limits()).form()) is Refused.GONE


@given(st.lists(st.binary(max_size=120), min_size=1, max_size=3), st.sampled_from([FORM, PARTS]))
def test_any_octets_are_a_form_or_are_refused(body: list[bytes], kind: str) -> None:
    assert isinstance(read(body, kind), Form | Refused)


@given(
    st.lists(st.sampled_from(
        [b"--b", b"\r\n", b"--", b"Content-Disposition: form-data; name=x", b":", b"\r\n\r\n", b'"',
         b"filename=y", b"; ", b"Content-Type: text/plain; charset=utf-7", b"=", b"\0", b"\xff"]
    )).map(b"".join)
)  # fmt: skip
def test_any_parts_are_a_form_or_are_refused(body: bytes) -> None:
    assert isinstance(read([body[:100]], PARTS), Form | Refused)
