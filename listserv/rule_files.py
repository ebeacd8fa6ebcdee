"""The files of content rules, in the folder site.rules_dir: read when they are set, and again when
they have changed.

A list's file stands in that folder or in one below it, and the texts that its rules answer with
stand beside it. While a file cannot be read what it said last is in force, with one alarm in the
log; where nothing was ever read, nobody can say what the rules would have held.
"""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from listserv.domain.errors import ListservError
from listserv.policy.content_reader import MAX_CHARACTERS, parse
from listserv.policy.content_rules import ContentRule, ContentRules, why_no_answer

log = logging.getLogger("listserv.rules")

# Of an answer, in octets.
MAX_ANSWER = 16 * 1024
# A character takes at most four.
_MAX_OCTETS = 4 * MAX_CHARACTERS

# Where a file stands, when it changed, and its size; None when it is not there.
_Look = tuple[int, int, int] | None


@dataclass(frozen=True, slots=True)
class _Known:
    """What a file said last, None when it never could be read; `looks` are those at it and at the
    files it names."""

    rules: ContentRules | None
    looks: Mapping[Path, _Look]
    told: frozenset[int] = frozenset()


class RuleFiles:
    """The rules by the name of their file. One thread at a time: the one that writes."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._known: dict[str, _Known] = {}

    def read(self, name: str) -> ContentRules:
        """What a file says now. Raises ListservError naming the file, the line, and the way out."""
        path = self._folder / name
        return _answered(_parsed(path), path.parent)

    def current(self, name: str) -> ContentRules | None:
        """What is in force: the file as it is, or as it was before it could not be read; None when
        nothing was ever read."""
        known = self._known.get(name)
        if known is None or any(_look(path) != look for path, look in known.looks.items()):
            known = self._known[name] = self._read_again(name, known)
        return known.rules

    def is_news(self, name: str, rule: ContentRule) -> bool:
        """True when a rule of the file as it is was not spoken of before."""
        known = self._known.get(name)
        if known is None or rule.line in known.told:
            return False
        self._known[name] = _Known(known.rules, known.looks, known.told | {rule.line})
        return True

    def _read_again(self, name: str, before: _Known | None) -> _Known:
        path = self._folder / name
        # Looked at first: what changes while it is read is read once more.
        looks = {path: _look(path)}
        try:
            rules = _parsed(path)
            looks |= _looks(path.parent, rules.answer_files)
            rules = _answered(rules, path.parent)
        except ListservError as wrong:
            kept = before.rules if before else None
            log.error("%s; %s", wrong, _INSTEAD[kept is not None])
            return _Known(kept, looks | _looks(path.parent, kept.answer_files if kept else ()))
        if before is not None:
            log.info("%s: read again, rules=%d", path, len(rules.rules))
        return _Known(rules, looks)


# For a site that has none: every name is refused.
NO_RULE_FILES = RuleFiles(Path("/nonexistent"))

_INSTEAD = {
    True: "what it said before stays in force",
    False: "until it can be read every post is held",
}


def _looks(folder: Path, names: Sequence[str]) -> dict[Path, _Look]:
    return {folder / name: _look(folder / name) for name in names}


def _look(path: Path) -> _Look:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_mtime_ns, found.st_size


def _parsed(path: Path) -> ContentRules:
    return parse(_text(path, _MAX_OCTETS), str(path))


def _answered(rules: ContentRules, folder: Path) -> ContentRules:
    return rules.with_answers({name: _answer(folder / name) for name in rules.answer_files})


def _answer(path: Path) -> str:
    text = _text(path, MAX_ANSWER)
    why = why_no_answer(text)
    if why:
        raise ListservError(f"{path}: {why}")
    return text


def _text(path: Path, most: int) -> str:
    """A text file of at most so many octets."""
    try:
        if path.exists() and not path.is_file():
            raise ListservError(f"{path}: is not a file")
        with path.open("rb") as file:
            octets = file.read(most + 1)
    except OSError as wrong:
        raise ListservError(f"{path}: cannot be read: {wrong.strerror}") from None
    if len(octets) > most:
        raise ListservError(f"{path}: is larger than {most // 1024} kB; make it smaller")
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ListservError(f"{path}: is not a text in UTF-8; save it as such") from None
