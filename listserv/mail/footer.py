"""The list's footer, put into the text of a post without re-serialising it.

It goes into a text/plain post, both texts of a multipart/alternative, before </body> in HTML, and
into the first part of a multipart/mixed or related where that is one of these; nowhere else, and
nowhere at all when anything in the post is signed or encrypted. Each part keeps its charset and
its transfer encoding. Where the footer does not fit these, or the part cannot be read, the part is
left alone.
"""

import binascii
import html
import re
from string import Template

from listserv.domain.lists import MailingList
from listserv.mail.mime import SIGNED_OR_ENCRYPTED, Part, decoded, read_structure
from listserv.mail.surgery import Header, read_fields
from listserv.mail.transfer import base64_lines, quoted_printable
from listserv.mail.words import text_codec

# Text larger than this gets no footer: it would be decoded whole.
MAX_TEXT_PART = 4 * 1024 * 1024

_INLINE_PGP = re.compile(rb"^-----BEGIN PGP (SIGNED )?MESSAGE-----", re.MULTILINE)
_PGP_NEAR_TOP = 16 * 1024
# In quoted-printable any character may be written as =XX, and a soft line break stand anywhere.
_SOFT = rb"(?:=[ \t]*\r?\n)*"


def _quoted(word: str) -> bytes:
    return _SOFT.join(
        rb"(?:%s|=%02X)" % (re.escape(char.encode("ascii")), ord(char)) for char in word
    )


_CLOSING = tuple(
    re.compile(re.escape(w.encode("ascii")), re.IGNORECASE) for w in ("</body", "</html")
)
_QUOTED_CLOSING = tuple(re.compile(_quoted(w), re.IGNORECASE) for w in ("</body", "</html"))


def footer_text(mlist: MailingList) -> str:
    """The list's footer with $title, $address and $request filled in; lines end in LF."""
    return Template(mlist.settings.footer).safe_substitute(
        title=mlist.title, address=mlist.address, request=mlist.addresses.request
    )


def with_footer(raw: bytes, footer: str) -> bytes:
    """The body of the message `raw` with the footer in it, or as it was."""
    fields, _, start = read_fields(raw)
    structure = read_structure(raw, Header(fields), start)
    texts = [] if structure.defects else _texts(structure.root)
    if any(_is_sealed(raw, part) for part in structure.root.walk()):
        texts = []
    pieces: list[bytes] = []
    at = start
    for part in texts:
        changed = _changed(raw, part, footer.rstrip())
        if changed is not None:
            pieces += [raw[at : part.start], changed]
            at = part.end
    pieces.append(raw[at:])
    return b"".join(pieces)


def _texts(part: Part) -> list[Part]:
    """The texts that a reader sees first, in the order of the message."""
    if part.is_text:
        return [part]
    if part.type == "multipart/alternative":
        return [text for child in part.parts for text in _texts(child)]
    if part.type in {"multipart/mixed", "multipart/related"}:
        return _texts(part.parts[0])
    return []


def _is_sealed(raw: bytes, part: Part) -> bool:
    if part.is_text:
        return bool(_INLINE_PGP.search(decoded(raw, part, _PGP_NEAR_TOP)))
    return part.type in SIGNED_OR_ENCRYPTED


def _changed(raw: bytes, part: Part, footer: str) -> bytes | None:
    """The part's body with the footer, None when it is to be left alone."""
    if not 0 < part.end - part.start <= MAX_TEXT_PART or not _is_readable(raw, part):
        return None
    body = raw[part.start : part.end]
    if part.type == "text/html":
        return _into_html(body, part.encoding, _as_html(footer))
    text = _as_plain(footer, part)
    return None if text is None else _under_plain(body, part.encoding, text)


def _is_readable(raw: bytes, part: Part) -> bool:
    """Whether the part is what its charset says it is."""
    codec = text_codec(part.charset)
    if codec is None:
        return False
    try:
        decoded(raw, part, MAX_TEXT_PART).decode(codec)
    except UnicodeDecodeError:
        return False
    return True


def _as_plain(footer: str, part: Part) -> bytes | None:
    """A blank line and the footer's lines in the part's charset."""
    lines = [line.rstrip() if line != "-- " else line for line in footer.split("\n")]
    if part.parameters.get("format", "").lower() == "flowed":
        # RFC 3676 4.4
        lines = [f" {ln}" if ln.startswith((" ", ">", "From ")) else ln for ln in lines]
    try:
        octets = ("\r\n" + "\r\n".join(lines) + "\r\n").encode(text_codec(part.charset) or "ascii")
    except UnicodeEncodeError:
        return None
    if part.encoding in {"", "7bit"} and not octets.isascii():
        return None
    return octets


def _as_html(footer: str) -> bytes:
    """Markup in ASCII, so that it fits any charset and transfer encoding."""
    lines = (html.escape(line, quote=False) for line in footer.split("\n"))
    markup = "<div><br>\r\n" + "<br>\r\n".join(lines) + "</div>\r\n"
    return markup.encode("ascii", "xmlcharrefreplace")


def _under_plain(body: bytes, encoding: str, footer: bytes) -> bytes | None:
    if encoding == "base64":
        return _appended_base64(body, footer)
    if encoding == "quoted-printable":
        return _ended(body) + quoted_printable(footer)
    return _ended(body) + footer


def _ended(body: bytes) -> bytes:
    return body if not body or body.endswith(b"\n") else body + b"\r\n"


def _into_html(body: bytes, encoding: str, footer: bytes) -> bytes | None:
    if encoding == "base64":
        page = _decode_base64(body)
        return None if page is None else base64_lines(_inserted(page, footer))
    if encoding == "quoted-printable":
        at = _place(body, _QUOTED_CLOSING)
        if at < 0:
            return _ended(body) + quoted_printable(footer)
        # The soft line break keeps the line short and is nothing to a reader.
        return body[:at] + b"=\r\n" + quoted_printable(footer) + body[at:]
    return _inserted(body, footer)


def _inserted(page: bytes, footer: bytes) -> bytes:
    at = _place(page, _CLOSING)
    return page[:at] + footer + page[at:] if at >= 0 else _ended(page) + footer


def _place(page: bytes, closing: tuple[re.Pattern[bytes], ...]) -> int:
    """Where the body of the page ends; -1 when nothing says so."""
    for tag in closing:
        places = [found.start() for found in tag.finditer(page)]
        if places:
            return places[-1]
    return -1


def _decode_base64(body: bytes) -> bytes | None:
    try:
        return binascii.a2b_base64(b"".join(body.split()), strict_mode=True)
    except binascii.Error:
        return None


def _appended_base64(body: bytes, footer: bytes) -> bytes | None:
    """All of the body's lines stay, but for a padded last group that has to be opened."""
    text = _decode_base64(body)
    if text is None:
        return None
    if not text.endswith(b"\n"):
        footer = b"\r\n" + footer
    kept = body.rstrip()
    if kept.endswith(b"="):
        kept, group = kept[:-4], kept[-4:]
        if len(group.split()) > 1:
            return None
        footer = binascii.a2b_base64(group) + footer
    kept = kept.rstrip()
    return (kept + b"\r\n" if kept else b"") + base64_lines(footer)
