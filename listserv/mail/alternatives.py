"""Which of two texts of one message says what its author wrote."""

import re

from listserv.mail.mime import Part

# A plain text that may only say that the page beside it is to be read: so short, in characters, and
# the page so much longer; or with one of these words in it.
SHORT = 600
_TIMES, _MORE = 3, 200
_SAYS_HTML = re.compile(
    r"html|browser|webmail|web ?version|online|mail (?:program|client|reader)|view (?:this|it)"
    r"|e-?mail-?programm|nicht (?:korrekt )?(?:angezeigt|dargestellt)|navigateur|navegador"
    r"|messagerie|cliente de correo",
    re.IGNORECASE,
)


def has_page(part: Part) -> bool:
    """Whether this is HTML, or has some in it."""
    return any(one.type == "text/html" and one.is_text for one in part.walk())


def says_less(plain: str, page: str) -> bool:
    """Whether a plain text, at most SHORT, is no alternative to the text of the page beside it."""
    if len(page) <= len(plain):
        return False
    stub = _SAYS_HTML.search(plain) is not None
    return stub or not plain.strip() or len(page) > _TIMES * len(plain) + _MORE
