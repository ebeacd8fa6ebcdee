"""A post's text -> blocks: what its author wrote, short quotations that they answer, and how much
of other people's text is left out.

Only of an answer something is left out: what a post that answers none quotes is news. It is known
by a mark that mail programs set: ">" in front of each line, and what announces it. Without that
mark only what stands below a program's own heading is left out: what is in the original, or where
that is not at hand all of it, if the author wrote something above it that does not point below.
Every other line stays, in its place: the rest of a signature
after its fourth line, the copies of the list's footer, quoted words about leaving a list, and what
a phone says of itself are the exceptions. Linear in the text; never raises.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from listserv.mail.announced import LONGEST_MARK, announced, heading, quoted_author
from listserv.mail.plain import SIGNATURE
from listserv.mail.rendering import FORWARDED
from listserv.mail.said import quotation_follows
from listserv.mail.unmarked import sorted_out

# Lines of a quotation that is kept where its author answers below it.
MAX_KEPT = 8
# Lines of a post that has nothing but quotations: perhaps a program has marked too much.
MAX_ALONE = 30
# Lines of a signature that are shown; what is longer than MAX_SIGNATURE is none.
MAX_SIGNED = 4
MAX_SIGNATURE = 15
# Characters of a line as it is counted.
WIDTH = 76

_SHORTEST_FOOTER = 20
# Lines in which a quotation says itself whose it is.
_ANNOUNCED = 4
_MARKS = re.compile(r"^[>\s]+")
# Below these everything is news.
_PASSED_ON = re.compile(
    r"(?:-{3,}\s?)?(?:begin forwarded message|forwarded message|anfang der weitergeleiteten"
    r" (?:nachricht|e-?mail)|weitergeleitete nachricht|début du message (?:réexpédié|transféré)"
    r"|message (?:transféré|réexpédié)|(?:inicio del )?mensaje reenviado|mensagem encaminhada"
    r"|(?:inizio )?messaggio inoltrato|doorgestuurd bericht|vidarebefordrat meddelande)\b",
    re.IGNORECASE,
)
# What lists and newsletters say at the end of a mail; quoted, it is of use to nobody.
_UNSUBSCRIBE = re.compile(
    r"(?=.*(?:@|://)).*\b(?:unsubscrib|opt[ -]out|abmeld|abbestell|désabonn|désinscri|dar(?:se|te)"
    r" de baja|cancelar (?:la|tu|su) suscripci)",
    re.IGNORECASE,
)
# Whoever writes this has answered below, between the lines that no program marked.
_POINTS_BELOW = re.compile(
    r"\b(?:below|inline|in-line|interspersed|in (?:red|blue|green|colou?r|bold|capitals|italics)"
    r"|unten|dazwischen|in (?:rot|blau|grün|fett)|im text|ci-dessous|plus bas|en (?:rouge|bleu)"
    r"|abajo|en (?:rojo|azul)|sotto|hieronder)\b",
    re.IGNORECASE,
)
_GREETING = re.compile(
    r"(?:hi|hey|hello|dear|good (?:morning|day|evening)|hallo|moin|liebe[rs]?|guten \w+|bonjour"
    r"|salut|cher|chère|hola|buenos|estimad[oa]|ciao)\b[^.?!:]{0,40}[,!.]?",
    re.IGNORECASE,
)
_PHONE = re.compile(
    r"(?:sent|get|gesendet|von meine[mr]|diese nachricht|envoyé|enviado|inviato|verzonden|verstuurd"
    r"|skickat|sendt)\b",
    re.IGNORECASE,
)
# The line that a phone or a mail program adds has one of these words, and besides only words of the
# other table: whoever writes another one means something by it.
_PRODUCTS = frozenset(
    """
    iphone ipad ipod android ios outlook yahoo samsung galaxy huawei xiaomi redmi pixel nokia sony
    xperia motorola oneplus blackberry proton protonmail gmx web.de t-online k-9 bluemail windows
    thunderbird gmail aol tuta tutanota fairemail smartphone tablet handy android-gerät device phone
    mobiltelefon mobilgerät
    """.split()
)
_BETWEEN = frozenset(
    """
    sent from my via with using by get the for on in a an app mail email secure mobile 10 11 verizon
    at&t t-mobile lg telekom wireless 4g 5g lte gesendet mit der dem von meinem meiner gerät mobil
    wurde diese nachricht aus über envoyé de mon depuis à partir d'un enviado desde mi do da meu del
    inviato dal mio verzonden verstuurd vanaf vanuit mijn met skickat från min sendt fra
    """.split()
)
_SIGNATURES = frozenset({SIGNATURE, SIGNATURE.rstrip()})
_WORD = re.compile(r"[^\s,!()]+")


class Kind(StrEnum):
    OWN = "own"
    QUOTED = "quoted"
    LEFT_OUT = "left-out"
    SIGNATURE = "signature"


@dataclass(frozen=True, slots=True)
class Block:
    """`lines` are shown: of an OWN block as they were written, of a QUOTED one with their marks, of
    a SIGNATURE without its "-- ". `count` lines (of WIDTH characters) besides are not: a quotation
    `of` somebody ("" where nobody is named), or the rest of a signature."""

    kind: Kind
    lines: tuple[str, ...]
    of: str = ""
    count: int = 0


def fold_quotes(
    text: str, *, answer: bool, footer: str = "", original: str = ""
) -> tuple[Block, ...]:
    """The blocks of a Rendering's text, in its order. `answer`: it answers another post, and is not
    passed on. `footer` is the list's own, `original` the text of the post that it answers, ""
    where that is not at hand."""
    lines = _without_footer(text.split("\n"), footer)
    pieces = list(_Text(lines, original if answer else "").pieces(answer))
    alone = not any(one.kind is Kind.OWN for one in pieces)
    alone = alone and sum(_size(one.lines) for one in pieces) <= MAX_ALONE
    blocks: list[Block] = []
    for at, one in enumerate(pieces):
        if one.kind is Kind.QUOTED:
            answered = at + 1 < len(pieces) and pieces[at + 1].kind is Kind.OWN
            kept = alone or not answer or (answered and _size(one.lines[one.head :]) <= MAX_KEPT)
            block = Block(Kind.QUOTED, one.lines) if kept else one.left_out()
        elif one.kind is Kind.SIGNATURE:
            rest = _size(one.lines[MAX_SIGNED:])
            block = Block(Kind.SIGNATURE, one.lines[:MAX_SIGNED], count=rest)
        else:
            block = one.left_out() if one.kind is Kind.LEFT_OUT else Block(Kind.OWN, one.lines)
        if not (block.lines or block.count):
            continue
        if blocks and block.kind is Kind.LEFT_OUT is blocks[-1].kind:
            last = blocks.pop()
            block = Block(Kind.LEFT_OUT, (), last.of or block.of, last.count + block.count)
        blocks.append(block)
    return tuple(blocks)


@dataclass(frozen=True, slots=True)
class _Piece:
    """Lines of one kind, without blank ones at their ends; the first `head` announce the rest."""

    kind: Kind
    lines: tuple[str, ...]
    head: int = 0

    def left_out(self) -> Block:
        """A block that says how much this is, and whose. A phone marks what announces it too."""
        count = self.head or _ANNOUNCED
        marks = [_MARKS.sub("", line)[:LONGEST_MARK].strip() for line in self.lines[:count]]
        head = marks if self.head else marks[: announced(marks, 0) if marks else 0]
        return Block(Kind.LEFT_OUT, (), quoted_author(head), _size(self.lines[self.head :]))


class _Text:
    """The lines of a text; `marks` are their beginnings, where they are asked what they are."""

    def __init__(self, lines: Sequence[str], original: str) -> None:
        self.lines = lines
        self.original = original
        self.marks = [line[:LONGEST_MARK].strip() for line in lines]

    def pieces(self, answer: bool) -> Iterator[_Piece]:
        """The text in runs of one kind, in order."""
        own: list[str] = []
        unsearched: list[str] = []
        wrote = points = False
        at = 0
        while at < len(self.lines):
            piece, end = self.piece_at(at, answer)
            if piece is not None:
                yield from _trimmed(_Piece(Kind.OWN, tuple(own)))
                yield from _trimmed(piece)
                own, at = [], end
                continue
            if answer and (head := heading(self.marks, at)):
                points = points or any(map(_POINTS_BELOW.search, unsearched))
                unsearched = []
                tail = list(self.tail(at, head, folded=wrote and not points))
                if tail:
                    yield from _trimmed(_Piece(Kind.OWN, tuple(own)))
                    for one in tail:
                        yield from _trimmed(one)
                    return
            if self.is_passed_on(at):
                own += self.lines[at:]
                break
            mark = self.marks[at]
            if not self.is_phones(at):
                own.append(self.lines[at])
                wrote = wrote or bool(mark and not _GREETING.fullmatch(mark))
                unsearched.append(mark)
            at += 1
        yield from _trimmed(_Piece(Kind.OWN, tuple(own)))

    def piece_at(self, at: int, headings: bool) -> tuple[_Piece | None, int]:
        """What begins here and is not the author's own, and where it ends. `headings` says that a
        signature ends where one stands."""
        end, head = self.quoted(at)
        if end > at:
            said = [n for n in range(at + head, end) if not _UNSUBSCRIBE.match(self.marks[n])]
            lines = (*self.lines[at : at + head], *(self.lines[n] for n in said))
            return _Piece(Kind.QUOTED, lines, head), end
        if self.lines[at] in _SIGNATURES:
            end = self.signature_end(at + 1, headings)
            signed = [self.lines[n] for n in range(at + 1, end) if not self.is_phones(n)]
            if end and _size(signed) <= MAX_SIGNATURE:
                return _Piece(Kind.SIGNATURE, tuple(signed)), end
        return None, at

    def tail(self, at: int, head: int, *, folded: bool) -> Iterator[_Piece]:
        """What a heading begins that takes `head` lines: by the original, else all of it where it
        may be `folded`. What is quoted gets the marks that it lacks."""
        runs = sorted_out(self.lines[at + head :], self.original)
        for one in runs:
            if one.quoted:
                marked = (f"> {line}".rstrip() for line in _without_blank_ends(one.lines))
                announced_by = self.lines[at : at + head] if one is runs[0] else []
                yield _Piece(Kind.QUOTED, (*announced_by, *marked), len(announced_by))
            else:
                yield _Piece(Kind.OWN, one.lines)
        if folded and not runs:
            yield _Piece(Kind.LEFT_OUT, tuple(self.lines[at:]), head)

    def quoted(self, at: int) -> tuple[int, int]:
        """Where the marked quotation ends that begins here, and how many lines announce it."""
        head = 0
        if not self.lines[at].startswith(">"):
            head = announced(self.marks, at)
            if not (head and quotation_follows(self.marks, at + head)):
                return at, 0
        end = n = at + head
        while n < len(self.lines) and (self.lines[n].startswith(">") or not self.marks[n]):
            n += 1
            end = n if self.marks[n - 1] else end
        return end, head

    def signature_end(self, at: int, headings: bool) -> int:
        """Where the signature ends whose lines begin here; 0 where it is too long to be one, or
        another follows: people divide their texts so."""
        for n in range(at, min(len(self.lines), at + 2 * MAX_SIGNATURE)):
            if self.lines[n] in _SIGNATURES:
                return 0
            ends = (
                self.quoted(n)[0] > n
                or (headings and heading(self.marks, n))
                or self.is_passed_on(n)
            )
            if ends:
                return n
        return 0 if len(self.lines) > at + 2 * MAX_SIGNATURE else len(self.lines)

    def is_passed_on(self, at: int) -> bool:
        """Whether a forwarded message begins here."""
        return bool(_PASSED_ON.match(self.marks[at])) or self.lines[at].startswith(FORWARDED)

    def is_phones(self, at: int) -> bool:
        """Whether this line is the one that a phone adds: at the end of what is written."""
        mark = self.marks[at]
        following = self.marks[at + 1] if at + 1 < len(self.marks) else ""
        if not _PHONE.match(mark) or len(mark) > WIDTH * 2 or following[:1] not in {"", *">-_"}:
            return False
        words = {word.strip(".").lower() for word in _WORD.findall(mark) if "://" not in word}
        return bool(words & _PRODUCTS) and words <= _PRODUCTS | _BETWEEN


def _trimmed(piece: _Piece) -> Iterator[_Piece]:
    """The piece without blank lines at its ends, if there are others in it."""
    lines = _without_blank_ends(piece.lines)
    if lines:
        yield replace(piece, lines=lines)


def _without_blank_ends(lines: tuple[str, ...]) -> tuple[str, ...]:
    filled = [n for n, line in enumerate(lines) if line.strip()]
    return lines[filled[0] : filled[-1] + 1] if filled else ()


def _size(lines: Sequence[str]) -> int:
    """Lines as they are seen: blank ones do not count, long ones count several times."""
    bare = (len(_MARKS.sub("", line)) for line in lines)
    return sum(-(-length // WIDTH) for length in bare)


def _without_footer(lines: list[str], footer: str) -> list[str]:
    """The lines without copies of the footer, however they are quoted and broken."""
    wanted = "".join(footer.split())
    if len(wanted) < _SHORTEST_FOOTER:
        return lines
    bare = ["".join(_MARKS.sub("", line).split()) for line in lines]
    kept: list[str] = []
    at = 0
    while at < len(lines):
        end = _footer_end(bare, at, wanted)
        if end == at:
            kept.append(lines[at])
            end += 1
        at = end
    return kept


def _footer_end(bare: Sequence[str], at: int, wanted: str) -> int:
    """Where the footer ends that begins here; `at` where it does not."""
    done, n = 0, at
    while n < len(bare) and bare[at] and wanted.startswith(bare[n], done):
        done += len(bare[n])
        n += 1
        if done == len(wanted):
            return n
    return at
