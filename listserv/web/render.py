"""A page as HTTP has it: HTML from templates, and headers that let a browser do nothing else."""

import base64
import hashlib
from collections.abc import Mapping
from datetime import datetime
from email.utils import format_datetime

from starlette.responses import HTMLResponse

from listserv.domain.languages import ENGLISH, LANGUAGES
from listserv.mail.notices import Templates
from listserv.web.page import Page

# The style of all pages; it stands in each, and its hash in the policy.
STYLE = "page-style.html"
HEADERS = {
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "x-robots-tag": "noindex, nofollow",
    "cache-control": "no-store",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
_MOST_LANGUAGES = 20


class Printer:
    """Makes answers of pages."""

    def __init__(self, templates: Templates) -> None:
        self._templates = templates
        self._policies = {
            language: _policy(templates.render(STYLE, {}, language)) for language in LANGUAGES
        }

    def print(
        self, page: Page, now: datetime, more: Mapping[str, str] | None = None
    ) -> HTMLResponse:
        """The answer, with `more` headers."""
        values = {**page.values, "language": page.language}
        headers = {
            "date": format_datetime(now, usegmt=True),
            "content-language": page.language,
            "content-security-policy": self._policies[page.language],
            **HEADERS,
            **(more or {}),
        }
        text = self._templates.render(page.template, values, page.language)
        return HTMLResponse(text, page.status, headers)


def _policy(style: str) -> str:
    """No script, no picture, no frame: only our style and our own forms (CSP level 3)."""
    text = style.partition("<style>")[2].partition("</style>")[0]
    digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
    return (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; "
        "base-uri 'none'; frame-ancestors 'none'"
    )


def accepted_language(header: str) -> str:
    """Which of our languages an Accept-Language field (RFC 9110 12.5.4) likes best; English when
    none."""
    best, weight = ENGLISH, 0.0
    for entry in header.split(",")[:_MOST_LANGUAGES]:
        tag, _, parameter = entry.partition(";")
        language = tag.strip().lower().partition("-")[0]
        liked = _weight(parameter)
        if language in LANGUAGES and liked > weight:
            best, weight = language, liked
    return best


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if not name.strip():
        return 1.0
    try:
        liked = float(value)
    except ValueError:
        return 0.0
    return liked if 0 <= liked <= 1 else 0.0
