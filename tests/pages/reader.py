"""A person at our pages, who has neither mouse nor thumb."""

from collections.abc import Callable
from pathlib import Path

from tests.pages.window import NARROW, SCHEMES, WIDE, Window
from tests.program.village import Village

# So many stops has no page of ours.
_STOPS = 60


class Reader:
    """Reads the pages of a village in a window; whatever they look at has to be without faults.
    With a folder for `pictures`, they take some."""

    def __init__(self, village: Village, window: Window, axe: str, pictures: Path | None) -> None:
        self._village = village
        self._window = window
        self._axe = axe
        self._pictures = pictures
        self.page = window.page

    def opens(self, url: str) -> None:
        """Follow a link of a mail."""
        self.page.goto(self._village.here(url))

    @property
    def text(self) -> str:
        """What stands on the page."""
        return self.page.locator("main").inner_text()

    def reads(self, name: str, heading: str) -> None:
        """Look at the page from all sides. `name` is for its pictures."""
        shown = self.page.locator("h1").inner_text()
        assert heading in shown, shown
        faults = self._window.faults(self._axe)
        if self._pictures is not None:
            self._take(self._pictures / name)
        assert faults == [], "\n".join(faults)

    def presses(self, words: str) -> None:
        """Find a button or a link by the Tab key alone, and press it."""
        here = "document.activeElement.innerText"
        self._tab_to(lambda: words in self.page.evaluate(here), words)
        with self.page.expect_navigation():
            self.page.keyboard.press("Enter")

    def types(self, label: str, text: str) -> None:
        """Find a field by the Tab key alone, and write into it over what is there."""
        self._tab_to_field(label)
        self.page.keyboard.press("Control+a")
        self.page.keyboard.type(text)

    def chooses(self, chosen: str, instead: str) -> None:
        """Go from what is chosen of several things to the next."""
        self._tab_to_field(chosen)
        self.page.keyboard.press("ArrowDown")
        assert self.page.get_by_label(instead).is_checked()

    def typed(self, label: str) -> str:
        """What stands in a field."""
        return self.page.get_by_label(label).input_value()

    def _tab_to_field(self, label: str) -> None:
        field = self.page.get_by_label(label)
        self._tab_to(lambda: field.evaluate("field => field === document.activeElement"), label)

    def _tab_to(self, is_there: Callable[[], bool], what: str) -> None:
        for _ in range(_STOPS):
            if is_there():
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"the Tab key does not come to {what!r}")

    def _take(self, path: Path) -> None:
        for width in (NARROW, WIDE):
            self._window.resize(width)
            for scheme in SCHEMES:
                self.page.emulate_media(color_scheme=scheme)
                self.page.screenshot(path=f"{path}-{width}-{scheme}.png", full_page=True)
