"""The author's DKIM signatures in a copy: those that our edits left whole.

Which of them were good when the post came in is known from then (the d= of those that verified);
here it is only asked whether what they sign is still the same, field by field and octet by octet.
"""

from collections.abc import Collection, Iterator, Sequence

from listserv.mail import headers as h
from listserv.mail.surgery import Field, Header


def untouched(
    before: Sequence[Field], after: Sequence[Field], verified: Collection[str]
) -> Iterator[Field]:
    """The signatures among the fields `before` that sign nothing which the fields `after` say
    otherwise, and whose d= is one of `verified` (lower-case A-labels). The body is the same."""
    old, new = Header(tuple(before)), Header(tuple(after))
    for field in old.fields(h.DKIM_SIGNATURE):
        tags = _tags(field.text)
        if tags.get("d", "").lower() in verified and _signs_the_same(tags.get("h", ""), old, new):
            yield field


def _signs_the_same(names: str, old: Header, new: Header) -> bool:
    """Whether h= chooses the same fields: of several of a name the last first, and none where there
    are no more (RFC 6376 5.4.2)."""
    listed = [name.strip().lower() for name in names.split(":")]
    for name in set(listed):
        if name == h.DKIM_SIGNATURE.lower():
            return False  # it signs another signature, of which we may keep fewer
        count = listed.count(name)
        if _last(old, name, count) != _last(new, name, count):
            return False
    return True


def _last(header: Header, name: str, count: int) -> list[bytes]:
    return [field.raw for field in header.fields(name)[-count:]]


def _tags(text: str) -> dict[str, str]:
    """The tag list of RFC 6376 3.2, white space inside values removed."""
    pairs = (part.partition("=") for part in text.split(";"))
    return {name.strip(): "".join(value.split()) for name, _, value in pairs}
