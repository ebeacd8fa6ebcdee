"""The languages in which the program writes to people: each has a folder of words in templates/."""

from collections.abc import Mapping

# English stands in templates/ itself, the others in a folder of their name.
ENGLISH = "en"
LANGUAGES = (ENGLISH, "de")
# What each is called by those who speak it.
NAMES: Mapping[str, str] = {ENGLISH: "English", "de": "Deutsch"}

_WORDS: Mapping[str, frozenset[str]] = {
    ENGLISH: frozenset({"en", "english", "englisch"}),
    "de": frozenset({"de", "german", "deutsch"}),
}


def find_language(text: str) -> str | None:
    """The language that a word names."""
    word = text.lower()
    return next((one for one in LANGUAGES if word in _WORDS[one]), None)
