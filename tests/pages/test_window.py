"""What is wrong with a page is found: each fault by itself, and none on a page that has none."""

import pytest

from tests.pages.window import Window

_STYLE = """\
:root { color-scheme: light dark; }
body { margin: 16px; font-size: 1.125rem; background: #fff; color: #111; }
button, input { font: inherit; min-height: 44px; min-width: 44px; }
input { display: block; max-width: 100%; box-sizing: border-box; border: 2px solid #555; }
:focus-visible { outline: 3px solid #0b57d0; }
button { color: #fff; background: #0b57d0; }
@media (prefers-color-scheme: dark) {
  body { background: #121212; color: #f0f0f0; }
  :focus-visible { outline-color: #8ab4f8; }
}
"""
_BODY = """\
<main><h1>Town</h1><p>You get mail of this list.</p>
<form method="post"><label for="name">Your name</label>
<input id="name" name="name" autocomplete="name"><button>Leave</button></form></main>
"""
_PAGE = """\
<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Town</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{style}</style></head><body>{body}</body></html>
"""

# Pages with several faults each: a part of what is said about one, what is put in place of what.
BROKEN = (
    {
        "no label to be seen: <input> name": ('<label for="name">Your name</label>', ""),
        "label: Form elements must have labels": ("<h1>", "<h1>"),
        "light: color-contrast": ("color: #111", "color: #8a8a8a"),
        "dark: color-contrast": ("color: #f0f0f0", "color: #555555"),
        "too small for a thumb: <button>": ("min-height: 44px", "min-height: 30px"),
        "Tab: no ring around": ("outline: 3px solid", "outline: 0 solid"),
        "html-has-lang": (' lang="en"', ""),
        "large letters: scrolls sideways": ("mail", "donaudampfschifffahrt"),
    },
    {
        "320 px: scrolls sideways: <p> You": ("<p>You", '<p style="width: 400px">You'),
        "a style of its own: <p> You": ("mail", "mail"),
        "Tab: a ring hardly seen": ("3px solid #0b57d0", "3px solid #d0d0ff"),
        "Shift+Tab: a ring hardly seen": ("outline-color: #8ab4f8", "outline-color: #333"),
        "letters do not grow: <p> You": ("1.125rem", "18px"),
        "not wanted: <script>": ("<h1>", "<script></script><h1>"),
        "Tab goes [1, 0]": ("<button>", '<button tabindex="1">'),
    },
    {
        "320 px: scrolls sideways": ("list.", "l" * 90),
        "320 px: small letters: <label>": ("1.125rem", "0.875rem"),
        "not one <h1>": ("<h1>Town</h1>", ""),
        "320 px: cut off: <label>": ("<label", "<style>label { display: block; overflow: hidden; "
                                     "width: 3em; white-space: nowrap }</style><label"),
    },
)  # fmt: skip


def test_a_good_page_has_no_faults(window: Window, axe: str) -> None:
    window.page.set_content(_PAGE.format(style=_STYLE, body=_BODY))
    assert window.faults(axe) == []


@pytest.mark.parametrize("faults", BROKEN)
def test_each_fault_is_found(window: Window, axe: str, faults: dict[str, tuple[str, str]]) -> None:
    page = _PAGE.format(style=_STYLE, body=_BODY)
    for old, new in faults.values():
        assert old in page
        page = page.replace(old, new, 1)
    window.page.set_content(page)
    found = window.faults(axe)
    assert {said for said in faults if not any(said in each for each in found)} == set()


def test_a_window_sees_no_other_host(window: Window) -> None:
    with window.page.expect_console_message(lambda said: "ERR_NAME_NOT_RESOLVED" in said.text):
        window.page.set_content('<img src="https://elsewhere.example/pixel.png" alt="">')
    assert any("elsewhere.example" in each for each in window.complaints)
    assert any("ERR_NAME_NOT_RESOLVED" in each for each in window.complaints)
    window.complaints.clear()
