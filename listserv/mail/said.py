"""A mail with commands -> the subject and the lines that a person wrote at its top.

Quotations and what announces them, signatures, and what phones add are left out. Linear in the
beginning of one text part (mime.MAX_TEXT); never raises, for any bytes.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from listserv.mail import headers as h
from listserv.mail.mime import Part, decoded, read_structure
from listserv.mail.parse import MAX_SHORT, read_header
from listserv.mail.text import END, html_to_text
from listserv.mail.words import decode_words, likely_text, shown

# More than anybody reads of a mail with commands, in lines and in characters.
MAX_LINES = 40
MAX_LINE = 1000

# Re: AW: Fwd: Re[2]: and the tags of lists, as they pile up before a subject.
_REPLY = (
    r"(?P<mark>re|aw|sv|vs|antw|antwort|rif|ris|res|resp|rv|r|enc|fw|fwd|wg|tr|odp|pd|ynt|ilt|bls"
    r"|vl|doorst|vb|ha|atb|i|回复|答复|回覆|转发|轉寄)\s?(?:\[\d{1,3}\]|\(\d{1,3}\)|\^\d{1,3})?"
    r"\s?[:\uff1a]"
)
# One without the tags; those that say "forwarded" are among them, and here by their `mark`.
REPLY_MARK = re.compile(rf"\s*{_REPLY}", re.IGNORECASE)
FORWARD_MARKS = frozenset("fw fwd wg rv enc tr pd ilt vl doorst vb i 转发 轉寄".split())
_MARK = re.compile(rf"\s*(?:{_REPLY}|\[[^\]\[]{{1,40}}\])", re.IGNORECASE)
_PHONE = re.compile(
    r"(?:sent (?:from|via|with)|get (?:outlook|bluemail) for|gesendet (?:von|mit|aus)|von meinem"
    r"|diese nachricht wurde von|envoyé (?:de|à partir)|enviado (?:desde|do|da|a partir)"
    r"|inviato da|verzonden (?:vanaf|met|vanuit)|verstuurd vanaf|skickat från|sendt fra"
    r"|lähetetty |wysłan[eoy] z|odesláno z|отправлено (?:\u0441|из)|iphone'umdan|yahoo mail:"
    r"|begin forwarded message|begin pgp|confidentiality notice)",
    re.IGNORECASE,
)
# Who wrote what is quoted below. Anchored searches only, on lines that are cut at MAX_LINE.
WROTE = re.compile(
    r"\b(?:wrote|writes|schrieb|a écrit|escribió|ha scritto|schreef|skrev|napisała?"
    r"|escreveu|kirjoitti|írta|написала?|пишет|писал|yazd\u0131|a scris|napsala?|έγραψε)\b"
    r"|写道|寫道|さん(?:は|が)書きました|작성",
    re.IGNORECASE,
)
OPENS = re.compile(
    r"(?:on|am|le|el|il|em|op|den|på|w dniu|dnia|pe|dne|în|στις|\d{1,4}[-./年]|mon|tue|wed|thu|fri"
    r"|sat|sun|mo|di|mi|do|fr|sa|so)\b",
    re.IGNORECASE,
)
# The block of header fields that Outlook puts over what it quotes, and forwards everywhere.
QUOTED_FROM = re.compile(
    r"[*_]{0,2}(?:from|von|de|da|van|fra|från|od|från|lähettäjä|от|feladó|kimden|发件人|差出人)"
    r"[*_]{0,2}\s?[:\uff1a]",
    re.IGNORECASE,
)
QUOTED_FIELD = re.compile(
    r"[*_]{0,2}(?:sent|date|to|cc|subject|reply-to|gesendet|datum|an|betreff|envoyé|date|à|objet"
    r"|enviado|enviada|fecha|data|para|asunto|assunto|inviato|a|oggetto|verzonden|aan|onderwerp|sendt"
    r"|skickat|til|till|emne|ämne|wysłano|do|temat|отправлено|дата|кому|тема|发送时间|收件人|主题)"
    r"[*_]{0,2}\s?[:\uff1a]",
    re.IGNORECASE,
)
COLONS = (":", "\uff1a")
# An announcement is broken into so many lines at most.
_BROKEN = 4


@dataclass(frozen=True, slots=True)
class Said:
    """`subject` without reply marks and tags; `top` what the person wrote, white space single, one
    blank line between paragraphs. `below` says that it stands under a quotation."""

    subject: str
    top: tuple[str, ...]
    below: bool = False

    @property
    def lines(self) -> tuple[str, ...]:
        """The lines with something in them."""
        return tuple(filter(None, self.top))


def said(raw: bytes) -> Said:
    """What a person says in a message with CR LF (or LF) line ends."""
    header, start = read_header(raw, [])
    structure = read_structure(raw, header, start)
    subject = decode_words(header.first(h.SUBJECT)[: 4 * MAX_SHORT])[:MAX_SHORT]
    for part in structure.root.walk():
        if part.is_text:
            lines = _lines(raw, part)
            if any(lines):
                return Said(bare_subject(subject), *_top(lines, lazy=_is_plain(part)))
    return Said(bare_subject(subject), ())


def bare_subject(subject: str) -> str:
    """A decoded subject without the reply marks and [tags] in front."""
    at = 0
    while (mark := _MARK.match(subject, at)) is not None:
        at = mark.end()
    return _single_spaced(subject[at:])


def _is_plain(part: Part) -> bool:
    return part.type != "text/html"


def _lines(raw: bytes, part: Part) -> list[str]:
    text = likely_text(decoded(raw, part), part.charset).removeprefix("\ufeff")
    if not _is_plain(part):
        return [_single_spaced(line) for line in html_to_text(text).splitlines()]
    lines = text.splitlines()
    if part.parameters.get("format", "").lower() == "flowed":
        lines = unfolded(lines, part.parameters.get("delsp", "").lower() == "yes")
    return [_single_spaced(line) for line in lines]


def unfolded(lines: Sequence[str], delete_space: bool) -> list[str]:
    """The paragraphs of format=flowed (RFC 3676 4): a line that ends in a space goes on in the next
    one of the same depth of quotation; the signature's "-- " does not. The space stays before a >
    that is no mark."""
    paragraphs: list[list[str]] = []
    open_depth = -1
    for line in lines:
        rest = line.lstrip(">")
        depth = len(line) - len(rest)
        is_mark = depth > 0 or not rest.startswith(" >")
        content = rest.removeprefix(" ") if is_mark else rest
        flows = content.endswith(" ") and content != "-- "
        if content == "-- " or depth != open_depth:
            paragraphs.append([">" * depth + " " if depth else ""])
        paragraphs[-1].append(content[:-1] if flows and delete_space else content)
        open_depth = depth if flows else -1
    return ["".join(pieces) for pieces in paragraphs]


def _single_spaced(line: str) -> str:
    """A line with every kind of space made one space, and what cannot be shown left out. One that
    is too long is cut, and long enough to be seen as such."""
    return shown(" ".join(line[: 2 * MAX_LINE].split()))[: MAX_LINE + 1]


def top_lines(lines: Sequence[str], *, lazy: bool) -> tuple[str, ...]:
    """The lines of the first block that is not quoted. With `lazy` a line right below a quoted one
    is the rest of it, broken by some mail program; where the quotation stands above, what is below
    it counts only when the quotation is marked with >."""
    return tuple(filter(None, _top(lines, lazy=lazy)[0]))


def _top(lines: Sequence[str], *, lazy: bool) -> tuple[tuple[str, ...], bool]:
    """`top_lines`, one blank line between paragraphs, and whether they stand below a quotation."""
    own: list[str] = []
    below_quotation = quoted = blank = False
    at = 0
    while at < len(lines) and len(own) - own.count("") < MAX_LINES:
        line = lines[at]
        announced = announcement(lines, at)
        if line.startswith(">") or announced:
            if own:
                break
            at += max(announced, 1)
            if announced and not quotation_follows(lines, at):
                break
            below_quotation = quoted = True
            continue
        if END.match(line) or _PHONE.match(line) or is_header_block(lines, at):
            break
        if not line:
            below_quotation = False
            blank = bool(own)
        elif not (below_quotation and lazy):
            own += [""] * blank + [line]
            blank = False
        at += 1
    return tuple(own), quoted and bool(own)


def announcement(lines: Sequence[str], at: int) -> int:
    """How many lines "On Monday Ann wrote:" takes from here; 0 when it is none."""
    line = lines[at]
    ends = line.endswith(COLONS)
    if ends and (WROTE.search(line) or quotation_follows(lines, at + 1)):
        return 1
    if not OPENS.match(line):
        return 0
    joined = line
    for count in range(2, _BROKEN + 1):
        if at + count > len(lines) or not lines[at + count - 1]:
            return 0
        joined += " " + lines[at + count - 1]
        if joined.endswith(COLONS) and WROTE.search(joined):
            return count
    return 0


def quotation_follows(lines: Sequence[str], at: int) -> bool:
    """Whether the next line with anything in it, at most two below, is marked as quoted."""
    following = next((line for line in lines[at : at + 3] if line), "")
    return following.startswith(">")


def is_header_block(lines: Sequence[str], at: int) -> bool:
    """Whether a From: and another field stand here, in either order: Outlook's block over what it
    quotes or forwards."""
    for first, other in ((QUOTED_FROM, QUOTED_FIELD), (QUOTED_FIELD, QUOTED_FROM)):
        if first.match(lines[at]) and any(map(other.match, lines[at + 1 : at + 4])):
            return True
    return False
