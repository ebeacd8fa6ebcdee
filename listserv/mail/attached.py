"""What is said of an attachment without opening it: its name and its size."""

from urllib.parse import unquote_to_bytes

from listserv.mail import headers as h
from listserv.mail.mime import MAX_FIELD, Part, read_parameters
from listserv.mail.surgery import Header, read_fields
from listserv.mail.words import decode_words, likely_text

LONGEST_NAME = 60
_MEGABYTE, _KILOBYTE = 1_000_000, 1000


def file_name(raw: bytes, part: Part) -> str:
    """The name of an attached file, as it may be shown; "" when it has none (RFC 2183 2.3, the
    name of its Content-Type otherwise)."""
    fields, _, _ = read_fields(raw, part.head, part.start)
    disposition = Header(fields).first(h.CONTENT_DISPOSITION)[:MAX_FIELD]
    given = _parameter(disposition, "filename") or part.parameters.get("name", "")
    return shortened(decode_words(given[: 8 * LONGEST_NAME]).rpartition("/")[2])


def _parameter(value: str, name: str) -> str:
    """A parameter with its characters of RFC 2231 4 read."""
    given = read_parameters(value).get(name, "")
    if "%" not in given or f"{name}*" not in value.lower():
        return given
    charset = value.lower().partition(f"{name}*")[2].partition("=")[2].partition("'")[0]
    octets = unquote_to_bytes(given.encode("utf-8", "surrogateescape"))
    return likely_text(octets, charset.strip(' "'))


def shortened(name: str) -> str:
    """With what stands behind the last dot."""
    if len(name) <= LONGEST_NAME:
        return name
    stem, dot, ending = name.rpartition(".")
    ending = dot + ending if stem and len(ending) < 10 else ""
    return name[: LONGEST_NAME - 1 - len(ending)] + "…" + ending


def decoded_size(raw: bytes, part: Part) -> int:
    """Octets of a part's content, without decoding it."""
    start, end = part.start, part.end
    size = end - start
    if part.encoding == "base64":
        lines = raw.count(b"\n", start, end) + raw.count(b"\r", start, end)
        padding = raw.count(b"=", max(start, end - 8), end)
        return max(0, (size - lines) * 3 // 4 - padding)
    if part.encoding == "quoted-printable":
        # =XX is one octet, a soft line break (= CR LF) none.
        return max(0, size - 2 * raw.count(b"=", start, end) - raw.count(b"=\r\n", start, end))
    return size


def size_in_words(octets: int) -> str:
    """1.2 MB, 340 kB, never 0: for the filter `figures`."""
    if octets >= _MEGABYTE:
        return f"{octets / _MEGABYTE:,.1f} MB"
    return f"{-(-max(octets, 1) // _KILOBYTE)} kB"
