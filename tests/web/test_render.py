"""Which language a browser asks for, and what a browser may do with a page."""

import base64
import hashlib
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from listserv.domain.languages import LANGUAGES
from listserv.resources import JinjaTemplates
from listserv.web.page import problem
from listserv.web.render import HEADERS, STYLE, Printer, accepted_language

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ACCEPTED = (
    ("", "en"),
    ("de", "de"),
    ("de-AT", "de"),
    ("DE_at, en", "en"),
    ("en, de", "en"),
    ("de, en", "de"),
    ("fr, de;q=0.3, en;q=0.2", "de"),
    ("en;q=0.2,de ; q=0.9", "de"),
    ("de;q=0", "en"),
    ("de;q=nan", "en"),
    ("de;q=7", "en"),
    ("*", "en"),
    (";;,,=;q", "en"),
    (", ".join(["fr"] * 30 + ["de"]), "en"),
)


@pytest.mark.parametrize(("header", "expected"), ACCEPTED)
def test_the_language_that_is_liked_best(header: str, expected: str) -> None:
    assert accepted_language(header) == expected


@given(st.text())
def test_any_wish_is_answered_in_a_language_of_ours(header: str) -> None:
    assert accepted_language(header) in LANGUAGES


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("own", ["", "<style>\nbody { color: teal; }\n</style>\n"])
def test_a_page_allows_its_own_style_and_no_more(tmp_path: Path, language: str, own: str) -> None:
    if own:  # the operator's, for all languages
        (tmp_path / STYLE).write_text(own)
    answer = Printer(JinjaTemplates(tmp_path)).print(problem("nothing", language, 404), NOW)
    page, policy = bytes(answer.body).decode(), answer.headers["content-security-policy"]
    (style,) = re.findall(r"<style>(.*?)</style>", page, re.DOTALL)
    assert ("teal" in style) is bool(own)
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy and "script" not in page and "style=" not in page
    assert "http" not in page  # nothing is fetched from anywhere
    assert dict(answer.headers).items() >= HEADERS.items()
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert answer.headers["content-language"] == language
    assert answer.headers["date"] == "Sat, 21 Nov 2026 12:00:00 GMT"
