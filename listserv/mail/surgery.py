"""Byte-level view of a message: whole header fields and the body, put together again exactly.

Nothing here decodes or re-serialises. `join(split(raw)) == raw` for any bytes.

A line ends in LF or CR LF; a bare CR ends nothing. The header ends at the first empty line or, as
Postfix and the email package see it, before the first line that is neither a field nor its
continuation.
"""

import re
from dataclasses import dataclass

# RFC 5322 2.2: a name is printable ASCII without colon. White space before the colon is obsolete
# (4.5.8) but read everywhere, so a second `From :` must not escape us. A continuation line starts
# with white space, also when nothing else is in it (4.2).
_FIELD = re.compile(rb"([!-9;-~]++)[ \t]*+:[^\n]*+\n?(?:[ \t][^\n]*+\n?)*+")
_MBOX_FROM = re.compile(rb"From [^\n]*+\n?")
_LINE_END = re.compile(r"\r?\n")


@dataclass(frozen=True, slots=True)
class Field:
    """One header field. `name` is lower-case, "" for an mbox "From " line; `raw` is the whole
    field with its folding and its line end."""

    name: str
    raw: bytes

    @property
    def value(self) -> bytes:
        """What follows the colon, as written."""
        return self.raw.partition(b":")[2]

    @property
    def text(self) -> str:
        """The value unfolded and stripped; octets that are not UTF-8 become lone surrogates."""
        text = self.value.decode("utf-8", "surrogateescape").rstrip("\r\n")
        return (_LINE_END.sub("", text) if "\n" in text else text).strip(" \t\r")


@dataclass(frozen=True, slots=True)
class Message:
    """A message cut in three. `blank` is the empty line between header and body as written, b""
    when there is none."""

    fields: tuple[Field, ...]
    blank: bytes
    body: bytes


def split(raw: bytes) -> Message:
    """Cut a message into its header fields and its body."""
    fields, end, body = read_fields(raw)
    return Message(fields, raw[end:body], raw[body:])


def join(message: Message) -> bytes:
    """The bytes that `split` was given."""
    return b"".join((*(field.raw for field in message.fields), message.blank, message.body))


def read_fields(
    raw: bytes, start: int = 0, end: int | None = None
) -> tuple[tuple[Field, ...], int, int]:
    """The fields of the header at raw[start:end], where it ends, and where the body begins."""
    stop = len(raw) if end is None else end
    fields: list[Field] = []
    at = start
    while at < stop:
        found = _FIELD.match(raw, at, stop)
        if found:
            fields.append(Field(found[1].decode("ascii").lower(), found[0]))
        elif at == 0 and (found := _MBOX_FROM.match(raw, at, stop)):
            fields.append(Field("", found[0]))
        else:
            break
        at = found.end()
    return tuple(fields), at, at + _blank(raw, at, stop)


def _blank(raw: bytes, at: int, stop: int) -> int:
    """The length of the empty line at `at`."""
    return next((len(b) for b in (b"\r\n", b"\n") if raw.startswith(b, at, stop)), 0)


class Header:
    """The unique accessor to header fields by name, in any case. Reading never raises."""

    def __init__(self, fields: tuple[Field, ...]) -> None:
        self._fields: dict[str, list[Field]] = {}
        for field in fields:
            self._fields.setdefault(field.name, []).append(field)

    @property
    def names(self) -> tuple[str, ...]:
        """The names there are, in lower case, in the order of their first fields."""
        return tuple(self._fields)

    def fields(self, name: str) -> list[Field]:
        """All fields of that name, in order."""
        return self._fields.get(name.lower(), [])

    def all(self, name: str) -> list[str]:
        """The unfolded values of all fields of that name."""
        return [field.text for field in self.fields(name)]

    def chosen(self, name: str) -> Field | None:
        """The field that counts where only one may stand (RFC 5322 3.6), and the only one that
        a copy keeps: the first that is not blank, else the first."""
        fields = self.fields(name)
        return next((field for field in fields if field.text), fields[0] if fields else None)

    def first(self, name: str) -> str:
        """The unfolded value of the chosen field, "" when there is none."""
        field = self.chosen(name)
        return field.text if field else ""
