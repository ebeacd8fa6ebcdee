"""The reader of content rules: a file in the language of content_language.py -> ContentRules.

A line may end anywhere between two words. Every mistake is a ListservError that names the file and
the line, and says what to write there.
"""

import math
import re
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, NoReturn

import regex

from listserv.domain.errors import ListservError
from listserv.policy.content_language import ACTIONS, CONDITIONS, PLACES, Phrase, Takes
from listserv.policy.content_rules import Condition, ContentRule, ContentRules, Place
from listserv.policy.content_text import Term, term_of

# Of one file.
MAX_CHARACTERS = 1024 * 1024
MAX_RULES = 200
MAX_PATTERNS = 20
# Of one regular expression and of the owner's words, in characters; of one term, in words.
MAX_PATTERN = 500
MAX_SAID = 100
MAX_TERM = 12
# Of the repeat counts of one regular expression, multiplied: it is unrolled when it is compiled.
MAX_REPEATS = 100_000

_QUOTES = str.maketrans(dict.fromkeys("\u201c\u201d\u201e\u201f\u00ab\u00bb", '"'))
_TOKEN = re.compile(
    r'(?P<space>[\s\ufeff]+|#[^\n]*)|"(?P<string>[^"\n]*)"|/(?P<pattern>(?:[^/\\\n]|\\.)*+)/'
    r'|(?P<comma>,)|(?P<word>[^\s,"#/][^\s,"#]*)'
)
_FILE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,98}\.txt")


class Kind(StrEnum):
    """What a token is; END is behind the last one."""

    WORD = "word"
    STRING = "string"
    PATTERN = "pattern"
    COMMA = "comma"
    END = "end"


@dataclass(frozen=True, slots=True)
class _Token:
    kind: Kind
    text: str
    line: int

    def __str__(self) -> str:
        match self.kind:
            case Kind.END:
                return "the end of the file"
            case Kind.STRING:
                return f'"{self.text[:40]}"'
            case Kind.PATTERN:
                return f"/{self.text[:40]}/"
            case _:
                return self.text[:40]


def parse(text: str, where: str) -> ContentRules:
    """The rules in `text`, or ListservError; `where` names the file. Answers are not read yet."""
    if len(text) > MAX_CHARACTERS:
        raise ListservError(f"{where}: is larger than {MAX_CHARACTERS // 1024} kB; make it smaller")
    return _Reader(_tokens(text.translate(_QUOTES), where), where).rules()


def _tokens(text: str, where: str) -> list[_Token]:
    tokens: list[_Token] = []
    at, line = 0, 1
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            mark = "quotation mark" if text[at] == '"' else "/"
            raise ListservError(
                f"{where}: line {line}: a {mark} opens here and is not closed; close it on the"
                " same line"
            )
        if found.lastgroup != "space":
            kind = Kind(str(found.lastgroup))
            tokens.append(_Token(kind, found[kind], line))
        line += text.count("\n", at, found.end())
        at = found.end()
    return [*tokens, _Token(Kind.END, "", line)]


class _Reader:
    def __init__(self, tokens: Sequence[_Token], where: str) -> None:
        self._tokens = tokens
        self._where = where
        self._at = 0
        self._patterns = 0

    def rules(self) -> ContentRules:
        rules: list[ContentRule] = []
        while self._next.kind is not Kind.END:
            if len(rules) == MAX_RULES:
                self._refuse(f"there are more than {MAX_RULES} rules; join some with more words")
            rules.append(self._rule())
        return ContentRules(tuple(rules))

    def _rule(self) -> ContentRule:
        line = self._next.line
        self._expect("when", "each rule begins with")
        conditions = [self._condition()]
        while self._takes("and"):
            conditions.append(self._condition())
        self._expect("then", "behind the conditions comes and or")
        done: dict[str, Any] = self._action({})
        while self._takes_comma():
            done |= self._action(done)
        return ContentRule(line, tuple(conditions), **done)

    def _condition(self) -> Condition:
        place = self._place()
        phrase = self._phrase(CONDITIONS, place)
        made: Condition = phrase.make(place or Place.BODY, self._value(phrase))
        return made

    def _action(self, before: Mapping[str, Any]) -> dict[str, Any]:
        phrase = self._phrase(ACTIONS, None)
        line = self._tokens[self._at - 1].line
        made: dict[str, Any] = phrase.make(Place.BODY, self._value(phrase))
        if not before.keys().isdisjoint(made):
            self._refuse(f"{phrase.words} is there twice in one rule; say it once", line)
        return made

    def _place(self) -> Place | None:
        for place in PLACES:
            if self._take_words(place.split()):
                return place
        return None

    def _phrase(self, table: Sequence[Phrase], place: Place | None) -> Phrase:
        for phrase in table:
            words = phrase.words.split()
            placed = words[0] == "PLACE"
            if placed == (place is not None) and self._take_words(words[placed:]):
                return phrase
        rest = [
            phrase.written.removeprefix("PLACE ") if place else phrase.written
            for phrase in table
            if place is None or phrase.words.startswith("PLACE")
        ]
        behind = place or self._tokens[self._at - 1]
        is_end = self._next.kind is Kind.END
        wrong = "nothing stands" if is_end else f"{self._ahead()} is not known"
        return self._refuse(
            f"{wrong} behind {behind}; write one of: {' | '.join(rest)}"
            + ("; PLACE is subject, body or subject or body" if "PLACE" in rest[0] else "")
        )

    def _ahead(self) -> str:
        """The next words, as they are named in a complaint."""
        words: list[str] = []
        for token in self._tokens[self._at : self._at + 3]:
            if token.kind is not Kind.WORD:
                break
            words.append(str(token))
        return " ".join(words) or str(self._next)

    def _value(self, phrase: Phrase) -> Any:
        match phrase.takes:
            case Takes.NOTHING:
                return None
            case Takes.WORDS:
                terms = [self._term(phrase)]
                while self._takes_comma():
                    terms.append(self._term(phrase))
                return terms
            case Takes.WORDING:
                return self._said(phrase)
            case Takes.PATTERN:
                return self._pattern(phrase)
            case Takes.FILE:
                return self._file(phrase)

    def _term(self, phrase: Phrase) -> Term:
        token = self._take(Kind.STRING, phrase, "words in quotation marks")
        term = term_of(token.text)
        if term is None:
            self._refuse(
                f"{token}: letters and figures are compared, with spaces, hyphens and apostrophes"
                " between them; for anything else write matches /…/",
                token.line,
            )
        if len(term) > MAX_TERM:
            self._refuse(f"{token}: a phrase has at most {MAX_TERM} words", token.line)
        return term

    def _said(self, phrase: Phrase) -> str:
        token = self._take(Kind.STRING, phrase, "a text in quotation marks")
        said = " ".join(token.text.split())
        if not said or len(said) > MAX_SAID or not said.isprintable():
            self._refuse(
                f"{token}: a text has 1 to {MAX_SAID} characters, all to be read", token.line
            )
        return said

    def _file(self, phrase: Phrase) -> str:
        token = self._take(Kind.WORD, phrase, "the name of a file, without quotation marks")
        if not _FILE.fullmatch(token.text):
            self._refuse(
                f"{token}: name a file that stands beside this one and ends in .txt, in letters,"
                " figures, . _ and -",
                token.line,
            )
        return token.text

    def _pattern(self, phrase: Phrase) -> Any:
        token = self._take(Kind.PATTERN, phrase, "a regular expression between two /")
        self._patterns += 1
        if self._patterns > MAX_PATTERNS:
            self._refuse(
                f"there are more than {MAX_PATTERNS} regular expressions; use words", token.line
            )
        if not token.text or len(token.text) > MAX_PATTERN:
            self._refuse(
                f"{token}: a regular expression has 1 to {MAX_PATTERN} characters", token.line
            )
        try:
            return _compiled(token.text)
        except ValueError as wrong:
            return self._refuse(f"{token}: is no regular expression: {wrong}", token.line)

    def _take(self, kind: Kind, phrase: Phrase, wanted: str) -> _Token:
        token = self._next
        if token.kind is not kind:
            self._refuse(
                f"{token} stands where {phrase.words.removeprefix('PLACE ')} wants {wanted}"
            )
        self._at += 1
        return token

    @property
    def _next(self) -> _Token:
        return self._tokens[self._at]

    def _take_words(self, words: Sequence[str]) -> bool:
        ahead = self._tokens[self._at : self._at + len(words)]
        if any(token.kind is not Kind.WORD for token in ahead):
            return False
        if [token.text.lower() for token in ahead] != list(words):
            return False
        self._at += len(words)
        return True

    def _takes(self, word: str) -> bool:
        return self._take_words([word])

    def _takes_comma(self) -> bool:
        is_comma = self._next.kind is Kind.COMMA
        self._at += is_comma
        return is_comma

    def _expect(self, word: str, why: str) -> None:
        if not self._takes(word):
            self._refuse(f"{self._next} is not expected; {why} {word}")

    def _refuse(self, says: str, line: int = 0) -> NoReturn:
        shown = "".join(char if char.isprintable() else "\ufffd" for char in says)
        raise ListservError(f"{self._where}: line {line or self._next.line}: {shown}")


def _compiled(source: str) -> Any:
    """A regular expression that does not care for case. Raises ValueError saying what is wrong."""
    counts = [re.findall(r"\d+", braces) for braces in re.findall(r"\{[^{}]*+\}", source)]
    if any(len(n) > 6 for ns in counts for n in ns) or _product(counts) > MAX_REPEATS:
        raise ValueError(f"its repeats in {{}} make more than {MAX_REPEATS} together")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            return regex.compile(source.replace(r"\/", "/"), regex.VERSION1 | regex.IGNORECASE)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except (regex.error, ValueError, OverflowError, MemoryError, Warning, KeyError) as wrong:
        raise ValueError(" ".join(str(wrong).split()) or type(wrong).__name__) from None


def _product(counts: Sequence[Sequence[str]]) -> int:
    return math.prod(max(map(int, ns), default=1) or 1 for ns in counts)
