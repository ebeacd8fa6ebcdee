"""Words of a header: charsets, encoded words (RFC 2047), and what may be shown of a text."""

import binascii
import codecs
import re
from email import quoprimime
from functools import lru_cache
from itertools import groupby

# Character sets that we take for text (threats: no UTF-7, no transforming codec of Python's).
# UTF-16 and UTF-32 are left out too: a footer or a tag in ASCII does not fit into them.
_TEXT_CODEC = re.compile(
    r"ascii|utf-8(-sig)?|iso8859-\d+|cp(437|85\d|86\d|874|125\d|932|949|950)|mac-\w+|koi8-[rtu]"
    r"|gb2312|gbk|gb18030|big5(hkscs)?|iso2022_\w+|euc_(jp|kr)|shift_jis|johab|tis-620"
)
_MAX_CHARSET_NAME = 40
# As everybody reads them: what is called by these names is mostly in the larger set (WHATWG
# Encoding 4.2). Latin-1 has controls where Windows has quotation marks.
_READ_AS = {
    "ascii": "utf-8",
    "iso8859-1": "cp1252",
    "iso8859-9": "cp1254",
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "euc_kr": "cp949",
    "shift_jis": "cp932",
    "big5": "big5hkscs",
    "tis-620": "cp874",
}

_ENCODED = re.compile(r"=\?([^?*\s]{1,40})(?:\*[^?\s]{0,40})?\?([bBqQ])\?([^?]*+)\?=")
_NOT_BASE64 = re.compile(rb"[^A-Za-z0-9+/]+")
# Cc controls, Zl and Zp separators, Cs surrogates, and what turns the direction of the writing.
_UNSHOWN = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_BREAKS = re.compile(r"[\t\n\v\f\r\x85\u2028\u2029]+")


@lru_cache(maxsize=256)
def text_codec(charset: str) -> str | None:
    """Python's name for a charset of text, or None for what is unknown or not text."""
    if len(charset) > _MAX_CHARSET_NAME:
        return None
    try:
        name = codecs.lookup(charset).name
    except (LookupError, ValueError):
        return None
    return name if _TEXT_CODEC.fullmatch(name) else None


def decode_text(data: bytes, charset: str) -> str:
    """Text in a declared charset; with an unknown one UTF-8, with a wrong one replacements."""
    return data.decode(text_codec(charset) or "utf-8", "replace")


def likely_text(data: bytes, charset: str) -> str:
    """Text in UTF-16 if it begins so, else in the declared charset if it can be that, else in
    UTF-8, else in the one of both in which it mostly is, else in Windows-1252. The end of `data`
    may be in the middle of a character."""
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) and data.count(0):
        return data.decode("utf-16", "replace")
    declared = text_codec(charset)
    ladder = ["utf-8"] if declared is None else [_READ_AS.get(declared, declared), "utf-8"]
    for codec in ladder:
        try:
            return codecs.getincrementaldecoder(codec)().decode(data)
        except UnicodeError:
            continue
    for codec in ladder:
        text = data.decode(codec, "replace")
        if 2 * text.count("\ufffd") < len(text) - len(text.encode("ascii", "ignore")):
            return text
    try:
        return data.decode("cp1252")
    except UnicodeError:
        return data.decode("latin-1")


def decode_base64(data: bytes) -> bytes:
    """What is readable of base64: other characters are passed over, a cut end is left out."""
    data = _NOT_BASE64.sub(b"", data)
    data = data[:-1] if len(data) % 4 == 1 else data
    return binascii.a2b_base64(data + b"=" * (-len(data) % 4))


def decode_words(text: str) -> str:
    """Header text with its encoded words read (RFC 2047 6.2), ready to be shown.

    Octets that are not UTF-8 (see Field.text) are read as Latin-1. Never raises.
    """
    if "=?" not in text:
        return shown(_mend(text))
    pieces: list[tuple[str, bytes]] = []  # (charset, octets); "" for text outside encoded words
    at = 0
    for word in _ENCODED.finditer(text):
        between = text[at : word.start()]
        if between.strip(" \t") or not pieces:
            pieces.append(("", between.encode("utf-8", "surrogateescape")))
        pieces.append((word[1].lower(), _word_octets(word[2], word[3])))
        at = word.end()
    pieces.append(("", text[at:].encode("utf-8", "surrogateescape")))
    # Neighbours of one charset are joined first: senders cut characters in two.
    joined = ((cs, b"".join(o for _, o in run)) for cs, run in groupby(pieces, lambda p: p[0]))
    return shown("".join(_decode_piece(charset, octets) for charset, octets in joined))


def _word_octets(encoding: str, text: str) -> bytes:
    octets = text.encode("utf-8", "surrogateescape")
    if encoding in "bB":
        return decode_base64(octets)
    return binascii.a2b_qp(octets, header=True)


def _decode_piece(charset: str, octets: bytes) -> str:
    if charset:
        return decode_text(octets, charset)
    return _mend(octets.decode("utf-8", "surrogateescape"))


def _mend(text: str) -> str:
    if _SURROGATE.search(text):
        return text.encode("utf-8", "surrogateescape").decode("latin-1")
    return text


def shown(text: str) -> str:
    """A text as one line that can be shown or written: no controls, no lone surrogates, nothing
    that turns the direction of the writing."""
    if not text.isprintable():
        text = _UNSHOWN.sub("", _BREAKS.sub(" ", text))
    return text.strip()


def encode_words(text: str) -> list[str]:
    """`text` as encoded words in UTF-8, each at most 75 characters (RFC 2047 2), no character
    cut in two; safe in a phrase too (5)."""
    octets = text.encode("utf-8", "replace")
    shorter_as_base64 = quoprimime.header_length(octets) > len(octets) * 4 // 3
    return [_encode_word(chunk, shorter_as_base64) for chunk in _chunks(text, shorter_as_base64)]


# 75 characters without =?utf-8?q? and ?=
_ROOM = 63


def _chunks(text: str, base64: bool) -> list[str]:
    chunks, size = [""], 0
    for char in text:
        octets = char.encode("utf-8", "replace")
        cost = len(octets) if base64 else quoprimime.header_length(octets)
        if size + cost > (_ROOM // 4 * 3 if base64 else _ROOM):
            chunks.append("")
            size = 0
        chunks[-1] += char
        size += cost
    return chunks


def _encode_word(chunk: str, base64: bool) -> str:
    octets = chunk.encode("utf-8", "replace")
    if base64:
        return f"=?utf-8?b?{binascii.b2a_base64(octets, newline=False).decode('ascii')}?="
    return quoprimime.header_encode(octets, "utf-8")
