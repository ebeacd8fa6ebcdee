"""Plain text as it can be shown: paragraphs put together, armour taken off, nothing that steers a
terminal or turns the direction of the writing, and not too much of it. Linear."""

import re

from listserv.mail.said import unfolded

SIGNATURE = "-- "

_ENDS = re.compile(r"\r\n?|[\v\f\x1c-\x1e\x85\u2028\u2029]")
# Cc controls but the line end, lone surrogates, and what turns the direction of the writing.
_UNSHOWN = re.compile(
    r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]+"
)
_ARMOURED = "-----BEGIN PGP "
_ENCRYPTED = re.compile(
    r"^-----BEGIN PGP MESSAGE-----.*?(?:^-----END PGP MESSAGE-----[^\n]*+|\Z)", re.M | re.S
)
# RFC 9580 7: armour headers, an empty line, the text with its dashes escaped, the signature.
_SIGNED = re.compile(
    r"^-----BEGIN PGP SIGNED MESSAGE-----[^\n]*+\n(?:[A-Za-z-]+:[^\n]*+\n)*+\n?"
    r"(.*?)(?:^-----BEGIN PGP SIGNATURE-----.*?(?:^-----END PGP SIGNATURE-----[^\n]*+|\Z)|\Z)",
    re.M | re.S,
)
# Octets: a line of which less would fit is left out whole.
_NEAR = 2000
_DASHES = re.compile(r"^- ", re.M)


def clean(text: str) -> str:
    """`text` with lines ended by "\\n", without controls; tabs are spaces, no line ends in any but
    the mark of a signature, and blank lines, quoted ones too, stand alone."""
    if not text.isascii() or "\r" in text or not text.isprintable():
        text = _UNSHOWN.sub("", _ENDS.sub("\n", text)).expandtabs()
    lines: list[str] = []
    for line in text.split("\n"):
        line = line if line == SIGNATURE else line.rstrip()
        if line.strip("> ") or (lines and lines[-1].strip("> ")):
            lines.append(line)
    return "\n".join(lines).rstrip("\n")


def unflowed(text: str, *, delete_space: bool) -> str:
    """format=flowed (RFC 3676) with a line for each paragraph."""
    return "\n".join(unfolded(text.splitlines(), delete_space))


def without_armour(text: str) -> tuple[str, bool]:
    """Text without what OpenPGP puts around it, and whether something in it was encrypted."""
    if _ARMOURED not in text:
        return text, False
    text = text.replace("\r\n", "\n")
    opened = _ENCRYPTED.sub("", text)
    return _SIGNED.sub(lambda found: _DASHES.sub("", found[1]), opened), opened != text


def cut(text: str, most: int, most_quoted: int) -> tuple[str, int]:
    """`text` up to so many octets (UTF-8) of lines that are not marked as quoted and so many of
    those that are, and how many octets are left out. What is kept ends at the end of a line, where
    that is near."""
    if len(text) * 4 <= most:
        return text, 0
    octets = text.encode("utf-8")
    if len(octets) <= most:
        return text, 0
    left = {False: most, True: most_quoted}
    at = 0
    while at < len(octets):
        end = octets.find(b"\n", at) + 1 or len(octets)
        quoted = octets.startswith(b">", at)
        if end - at > left[quoted]:
            at += left[quoted] if left[quoted] > _NEAR else 0
            break
        left[quoted] -= end - at
        at = end
    return octets[:at].decode("utf-8", "ignore").rstrip("\n"), len(octets) - at
