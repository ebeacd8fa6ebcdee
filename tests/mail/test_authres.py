"""Whose Authentication-Results are believed, and what they say."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.mail.authres import Result, believed
from listserv.mail.surgery import split
from tests.mail.building import copy_of, crlf

IDS = {"mx.example.org", "filter"}
RECEIVED = "Received: from client.example by mx.example.org\n"
PASS = "Authentication-Results: mx.example.org; dmarc=pass header.from=example.com\n"
PASSED = Result("dmarc", "pass", {"header.from": "example.com"})


def told(header: str) -> tuple[Result, ...]:
    return believed(split(crlf(header + "\nHello.\n")).fields, IDS)


@pytest.mark.parametrize(
    ("header", "results"),
    [
        (PASS + RECEIVED, (PASSED,)),
        (PASS.lower() + RECEIVED, (PASSED,)),
        (PASS + PASS + RECEIVED, (PASSED, PASSED)),
        ("X-Filter: yes\n" + PASS + RECEIVED, (PASSED,)),
        # Anybody may have written what stands below the MTA's own Received, or without one.
        (RECEIVED + PASS, ()),
        (RECEIVED + PASS + RECEIVED, ()),
        (PASS, ()),
        ("", ()),
        (PASS.replace("mx.example.org", "mx.example.com") + RECEIVED, ()),
        (PASS.replace("mx.example.org", "mx.example.org.evil.example") + RECEIVED, ()),
        (PASS.replace("mx.example.org", "evil mx.example.org") + RECEIVED, ()),
        (PASS.replace("mx.example.org", "evil (mx.example.org)") + RECEIVED, ()),
        (PASS.replace("mx.example.org", "") + RECEIVED, ()),
        (PASS.replace("mx.example.org", "(a) mx.example.org (b) 1") + RECEIVED, (PASSED,)),
        (PASS.replace("mx.example.org", '"mx.example.org"') + RECEIVED, (PASSED,)),
        (PASS.replace("mx.example.org", "mx.example.org 2") + RECEIVED, ()),
    ],
)
def test_only_the_mta_before_us_is_believed(header: str, results: tuple[Result, ...]) -> None:
    assert told(header) == results


@pytest.mark.parametrize(
    ("clause", "result"),
    [
        ("dkim=pass header.d=example.com", Result("dkim", "pass", {"header.d": "example.com"})),
        ("dkim=pass (2048-bit; \\) key) header.i=@example.com header.b=\"a/b=\"",
         Result("dkim", "pass", {"header.i": "@example.com", "header.b": "a/b="})),
        ("dkim = pass\n header.d = example.com header.b=Ab/d=",
         Result("dkim", "pass", {"header.d": "example.com", "header.b": "ab/d="})),
        ("dkim/1=fail reason=\"a; b (c)\" header.d=x.example",
         Result("dkim", "fail", {"reason": "a; b (c)", "header.d": "x.example"})),
        ("spf=pass (a (nested) comment) smtp.mailfrom=ann@example.com",
         Result("spf", "pass", {"smtp.mailfrom": "ann@example.com"})),
        ("spf=pass", Result("spf", "pass", {})),
        ("dmarc=pass header.from=a.example header.from=b.example",
         Result("dmarc", "pass", {"header.from": "a.example"})),
        ("none", None),
        ("dkim", None),
        ("=pass", None),
        ("dkim=pass header.d", None),
        ("dkim=pass header.d=", None),
        ("dkim=pass fail", None),
        ("dkim=passed-not header.d=example.com", None),
        ("(dkim=pass) none", None),
        ("(dkim=pass header.d=example.com", None),
        ("\"dkim=pass header.d=example.com", None),
    ],
)  # fmt: skip
def test_a_result(clause: str, result: Result | None) -> None:
    found = told(f"Authentication-Results: filter; {clause}\n{RECEIVED}")
    assert found == ((result,) if result else ())


def test_a_semicolon_in_a_comment_or_in_quotes_begins_nothing() -> None:
    header = 'Authentication-Results: filter; a=fail (; dkim=pass) x="; dkim=pass"; b=pass\n'
    found = told(header + RECEIVED)
    assert [(one.method, one.result) for one in found] == [("a", "fail"), ("b", "pass")]


def test_the_number_and_the_size_of_results_are_bounded() -> None:
    assert len(told(PASS * 500 + RECEIVED)) == 50
    assert told(PASS[:-1] + "; " + "x" * 9000 + "\n" + RECEIVED) == ()


@given(st.text(max_size=400))
def test_no_text_is_too_odd(text: str) -> None:
    told("Authentication-Results: filter;" + text.replace("\n", " ") + "\n" + RECEIVED)


@pytest.mark.parametrize(
    "name", ["Authentication-Results", "authentication-RESULTS", "Authentication-Results-Original"]
)
def test_what_others_found_is_in_no_copy(name: str) -> None:
    raw = crlf(f"{name}: lists.example.org; dkim=pass\nFrom: ann@example.org\n{PASS}\nHello.\n")
    assert b"authentication-results" not in copy_of(raw).shared.lower()
