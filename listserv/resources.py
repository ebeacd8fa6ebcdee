"""Where the files that ship beside the code are, in a checkout and in an installed wheel; and the
words we send, filled in by jinja2.

English words stand in templates/, those of another language in a folder of its name. User text is
never a template: it goes in as the value of a variable. Templates are ours and, where the operator
wants other words, a file of the same name, in a folder for the same language, in
site.templates_dir. A phrase is replaced by itself, there in phrases.toml.
"""

import tomllib
from collections.abc import Mapping
from datetime import date, datetime, time
from functools import cache, cached_property
from pathlib import Path

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    Template,
    TemplateSyntaxError,
    meta,
    select_autoescape,
)

from listserv.domain.errors import ListservError
from listserv.domain.languages import ENGLISH, LANGUAGES

PHRASES = "phrases.toml"

# The hour with which each begins, the last first; "clock.<part>" is its phrase.
_PARTS_OF_DAY = (
    (22, "night"), (18, "evening"), (13, "afternoon"), (12, "midday"), (5, "morning"), (0, "night"),
)  # fmt: skip

_PACKAGE = Path(__file__).resolve().parent


def templates_dir() -> Path:
    """The folder of all words we send."""
    packaged = _PACKAGE / "_templates"  # only there in an installed wheel
    return packaged if packaged.is_dir() else _PACKAGE.parent / "templates"


def config_example() -> Path:
    """The documented example configuration."""
    packaged = _PACKAGE / "_config.example.toml"
    return packaged if packaged.is_file() else _PACKAGE.parent / "config.example.toml"


class JinjaTemplates:
    """The templates by name and the phrases by key, in each of LANGUAGES; a variable without a
    value is an error, not an empty place. What a language lacks is said in English.

    The operator's files are checked here, where the operator sees what is wrong, and not when a
    notice is due: each stands for one of ours and uses the variables of that one.
    """

    def __init__(self, own: Path | None = None) -> None:
        self._words = {language: _Words(language, own) for language in LANGUAGES}
        if own:
            _refuse_other_languages(own)
            for words in self._words.values():
                words.check()

    def render(self, name: str, values: Mapping[str, object], language: str = ENGLISH) -> str:
        """The text of template `name`; in .html all values are escaped."""
        return self._words[language].render(name, values)

    def phrase(self, key: str, values: Mapping[str, object], language: str = ENGLISH) -> str:
        """One word or sentence of phrases.toml: "done.subscribe" is `subscribe` in `[done]`."""
        return self._words[language].phrase(key, values)


class _Words:
    """The words of one language."""

    def __init__(self, language: str, own: Path | None) -> None:
        self._ours = _folder(templates_dir(), language)
        self._own = _folder(own, language) if own else None
        folders = [self._own, self._ours, own, templates_dir()]
        self._environment = environment(*(folder for folder in folders if folder))
        self._environment.filters |= {
            "day": self._day, "moment": self._moment, "clock": self._clock,
            "figures": self._figures,
        }  # fmt: skip
        self._phrase = cache(self._compiled)

    def render(self, name: str, values: Mapping[str, object]) -> str:
        return self._environment.get_template(name).render(values)

    def phrase(self, key: str, values: Mapping[str, object]) -> str:
        return self._phrase(key).render(values)

    @cached_property
    def _phrases(self) -> Mapping[str, str]:
        own = read_phrases(self._own) if self._own else {}
        return {**read_phrases(templates_dir()), **read_phrases(self._ours), **own}

    def _compiled(self, key: str) -> Template:
        return self._environment.from_string(self._phrases[key])

    def _day(self, day: date) -> str:
        """The filter that writes a date: 1 June 2026, 1. Juni 2026."""
        month = self.phrase(f"month.{day.month}", {})
        return self.phrase("date.day", {"day": day.day, "month": month, "year": day.year})

    def _moment(self, at: datetime) -> str:
        """The filter that writes a day of these weeks and about when: Tuesday, 10 March, about 7:00
        in the evening."""
        values = {
            "weekday": self.phrase(f"weekday.{at.weekday()}", {}), "day": at.day,
            "month": self.phrase(f"month.{at.month}", {}), "at": at.time(),
        }  # fmt: skip
        return self.phrase("date.moment", values)

    def _clock(self, at: time) -> str:
        """The filter that writes a time of day: 7:00 in the evening, 19:00 Uhr."""
        part = next(part for hour, part in _PARTS_OF_DAY if at.hour >= hour)
        return self.phrase(f"clock.{part}", {"hour": at.hour, "minute": f"{at.minute:02}"})

    def _figures(self, written: str) -> str:
        """The filter that writes numbers in a text: 1,048.5 kB, 1.048,5 kB."""
        marks = self.phrase("number.thousands", {}) + self.phrase("number.decimal", {})
        return written.translate(str.maketrans(",.", marks))

    def check(self) -> None:
        """Raises ListservError for a file of the operator's that stands for none of ours, or uses
        what the one of ours does not."""
        if not self._own or not self._own.is_dir():
            return
        for path in filter(is_template, self._own.iterdir()):
            if not (self._ours / path.name).is_file():
                raise ListservError(f"{path}: there is no template of this name to replace")
            known, parts = self._uses(_text(self._ours / path.name), path)
            for part in parts:
                known |= self._uses(_text(self._ours / part), path)[0]
            _refuse_unknown(path, self._uses(_text(path), path), (known, parts))
        self._check_phrases(self._own / PHRASES)

    def _check_phrases(self, path: Path) -> None:
        ours = read_phrases(self._ours)
        for key, text in read_phrases(path.parent).items():
            if key not in ours:
                raise ListservError(f"{path}: there is no phrase {key} to replace")
            where = f"{path}: {key}"
            _refuse_unknown(where, self._uses(text, where), self._uses(ours[key], where))

    def _uses(self, text: str, where: object) -> tuple[set[str], set[str]]:
        """The variables of a template, and the names of the templates that it includes."""
        try:
            tree = self._environment.parse(text)
            self._environment.compile(tree)
        except TemplateSyntaxError as wrong:
            raise ListservError(f"{where}: line {wrong.lineno}: {wrong.message}") from None
        included = {str(other) for other in meta.find_referenced_templates(tree)}
        return meta.find_undeclared_variables(tree), included


def environment(*folders: Path) -> Environment:
    """What reads the templates in `folders`, those of an earlier one before those of a later."""
    return Environment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        undefined=StrictUndefined,
        autoescape=select_autoescape(("html",), default_for_string=False),
        keep_trailing_newline=True,
    )


def is_template(path: Path) -> bool:
    """Whether a file in a folder of templates is one; editors leave others beside them."""
    return path.suffix in {".txt", ".html"}


def read_phrases(folder: Path) -> Mapping[str, str]:
    """The phrases in a folder of templates, by key; none where it has no such file."""
    path = folder / PHRASES
    if not path.is_file():
        return {}
    try:
        tables = tomllib.loads(_text(path))
    except tomllib.TOMLDecodeError as wrong:
        raise ListservError(f"{path}: {wrong}") from None
    found: dict[str, str] = {}
    for name, table in tables.items():
        for key, text in table.items() if isinstance(table, dict) else [("", table)]:
            if not key or not isinstance(text, str):
                raise ListservError(f'{path}: {name} is not a table of phrases, key = "words"')
            found[f"{name}.{key}"] = text
    return found


def _folder(folder: Path, language: str) -> Path:
    return folder if language == ENGLISH else folder / language


def _refuse_other_languages(own: Path) -> None:
    for path in own.iterdir():
        hidden = path.name.startswith(".")
        if path.is_dir() and not hidden and path.name not in set(LANGUAGES) - {ENGLISH}:
            others = ", ".join(set(LANGUAGES) - {ENGLISH})
            raise ListservError(
                f"{path}: there is no such language; English words stand in {own}, "
                f"and there may be folders in it for: {others}"
            )


def _refuse_unknown(
    where: object, uses: tuple[set[str], set[str]], known: tuple[set[str], set[str]]
) -> None:
    (used, included), (variables, parts) = uses, known
    if unknown := sorted(used - variables) + sorted(included - parts):
        there = ", ".join(sorted(variables | parts)) or "none"
        raise ListservError(f"{where}: {unknown[0]} is not known here; there are: {there}")


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except OSError as wrong:
        raise ListservError(f"{path}: cannot be read: {wrong.strerror}") from None
    except UnicodeDecodeError:
        raise ListservError(f"{path}: is not a text in UTF-8") from None
