"""A browser's window, and all that a reader could find wrong with what it shows."""

from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from playwright.sync_api import Browser, ConsoleMessage, Request

NARROW, WIDE = 320, 1_200  # CSS pixels
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
# Loopback needs milliseconds; this only ends a test that has failed.
PATIENCE_MS = 90_000

_HEIGHT = 640
_LOOK = (Path(__file__).parent / "look.js").read_text("utf-8")


class Window:
    """One reader's window; `page` is Playwright's. `complaints` are what the browser had to say:
    errors, violations of a policy, other hosts asked for."""

    def __init__(self, browser: Browser, *, scripts: bool = True, language: str = "en") -> None:
        self._context = browser.new_context(
            viewport={"width": NARROW, "height": _HEIGHT},
            java_script_enabled=scripts,
            locale=language,
        )
        self._context.set_default_timeout(PATIENCE_MS)
        self.complaints: list[str] = []
        self._pages: set[str] = set()
        self.page = self._context.new_page()
        self.page.on("request", self._asked)
        self.page.on("console", self._said)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def close(self) -> None:
        """Fails when it has been given a cookie."""
        cookies = self._context.cookies()
        self._context.close()
        assert cookies == []

    def _asked(self, request: Request) -> None:
        if urlsplit(request.url).hostname not in ("127.0.0.1", None):
            self.complaints.append(f"asked for {request.url}")
        if request.is_navigation_request():
            self._pages.add(request.url)

    def _said(self, message: ConsoleMessage) -> None:
        # A page that says 404 is an error for a browser, and an answer for a reader.
        is_page = message.location["url"] in self._pages
        if message.type in ("error", "warning") and not (
            is_page and message.text.startswith("Failed to load resource")
        ):
            self.complaints.append(message.text)

    def faults(self, axe: str) -> list[str]:
        """What is wrong with the page: narrow and wide, by day and by night, in large letters, by
        keyboard and read aloud. Nothing on it may have had the focus before."""
        self._evaluate(_LOOK)
        found = [f"words: {fault}" for fault in self._evaluate("look.words()")]
        self.page.emulate_media(color_scheme="light")
        found += self._tabbed("Tab")
        self.page.emulate_media(color_scheme="dark")
        found += self._tabbed("Shift+Tab")
        for width in (NARROW, WIDE):
            self.resize(width)
            found += [f"{width} px: {fault}" for fault in self._evaluate("look.layout()")]
        self.resize(NARROW)
        for letters in ("large", "spaced"):
            faults = self._evaluate(f"[...look.{letters}(), ...look.layout()]")
            found += [f"{letters} letters: {fault}" for fault in faults]
            self._evaluate("look.undo()")
        self._evaluate(f"{axe}\n;undefined")
        for scheme in SCHEMES:
            self.page.emulate_media(color_scheme=scheme)
            found += [f"{scheme}: {fault}" for fault in self._evaluate("look.heard()")]
        return found

    def _tabbed(self, key: str) -> list[str]:
        """The whole page by keyboard, forth or, from its end, back."""
        stops = self._evaluate("look.stops()")
        back = key != "Tab"
        found, seen = [], []
        for at in range(len(stops)):
            if at or not back:
                self.page.keyboard.press(key)
            seen.append(self._evaluate("look.stop()"))
            if seen[-1] >= 0:
                found += [f"{key}: {fault}" for fault in self._evaluate("look.ring()")]
        if seen != sorted(range(len(stops)), reverse=back):
            found.append(f"{key} goes {seen} through {stops}")
        return found

    def without_style(self) -> str:
        """What is left to read where no style is loaded."""
        self._evaluate(_LOOK)
        self._evaluate("look.plain()")
        return self.page.locator("body").inner_text()

    def resize(self, width: int) -> None:
        self.page.set_viewport_size({"width": width, "height": _HEIGHT})

    def _evaluate(self, script: str) -> Any:
        return self.page.evaluate(script)
