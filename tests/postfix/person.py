"""A person who has a mail client and nothing else: what they write, and what comes to them.

They write only to addresses that they know or that stand in mails they got, and answer by the
Reply-To. Their devices take turns, and each quotes the mail that is answered in its own way.
"""

import html
import itertools
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from email import message_from_bytes, policy
from email.message import EmailMessage
from email.utils import format_datetime, parseaddr

from listserv.clock import SystemClock
from tests.postfix.harness import Sunk
from tests.postfix.installation import Installation
from tests.smtp.correspondence import key_record, signed

_ADDRESS = re.compile(r"[\w.+-]+@[\w.-]*\w")
# Of a mail of ours, without its empty lines and its details.
MOST_LINES = 8


@dataclass(frozen=True)
class Got:
    """A mail as its reader has it."""

    name: str
    sender: str
    reply_to: str
    subject: str
    text: str
    message_id: str
    unsubscribe: str

    @property
    def lines(self) -> list[str]:
        return [line for line in self.text.splitlines() if line.strip()]


def read(raw: bytes) -> Got:
    """What a mail program shows of a mail, and what it uses."""
    mail = message_from_bytes(raw, policy=policy.SMTP)
    body = mail.get_body(("plain", "html"))
    assert body is not None
    name, sender = parseaddr(str(mail["From"]))
    return Got(
        name=name,
        sender=sender,
        reply_to=parseaddr(str(mail["Reply-To"] or ""))[1] or sender,
        subject=str(mail["Subject"]),
        text=body.get_content(),
        message_id=str(mail["Message-ID"]),
        unsubscribe=str(mail["List-Unsubscribe"] or ""),
    )


def gmail(text: str, old: Got | None) -> EmailMessage:
    """On the web: text and HTML, the answer on top."""
    mail, rich = EmailMessage(), f'<div dir="ltr">{html.escape(text)}</div>'
    if old is not None:
        said = f"On Sat, 9 May 2026 at 10:00, {old.name} <{old.sender}>\nwrote:"
        text = f"{text}\n\n{said}\n\n{_quoted(old)}\n"
        rich += (
            f'<br><div class="gmail_quote"><div dir="ltr" class="gmail_attr">{html.escape(said)}'
            f'<br></div><blockquote class="gmail_quote">{_rich(old)}</blockquote></div>'
        )
    mail.set_content(text, cte="quoted-printable")
    mail.add_alternative(rich, subtype="html", cte="quoted-printable")
    return mail


def android(text: str, old: Got | None) -> EmailMessage:
    """A phone that sends HTML alone, in base64."""
    mail = EmailMessage()
    rich = f"<html><body><div>{html.escape(text)}</div><div><br></div>"
    rich += '<div id="composer_signature">Sent from my Galaxy</div>'
    if old is not None:
        rich += (
            "<div>-------- Original message --------</div><div>From: "
            f"{html.escape(old.name)} </div><div>{_rich(old)}</div>"
        )
    mail.set_content(f"{rich}</body></html>", subtype="html", cte="base64")
    return mail


def iphone(text: str, old: Got | None) -> EmailMessage:
    """Plain text with a signature above the quotation."""
    mail = EmailMessage()
    text = f"{text}\n\nSent from my iPhone\n"
    if old is not None:
        text += f"\n> On 9 May 2026, at 10:00, {old.name} <{old.sender}> wrote:\n> \n{_quoted(old)}"
    mail.set_content(text, cte="8bit")
    return mail


def thunderbird(text: str, old: Got | None) -> EmailMessage:
    """In German, with a signature below the quotation."""
    mail = EmailMessage()
    if old is not None:
        text = f"{text}\n\nAm 09.05.26 um 10:00 schrieb {old.name}:\n{_quoted(old)}"
    mail.set_content(f"{text}\n\n-- \nPetra Groß\nwhich\n", cte="8bit")
    return mail


def outlook(text: str, old: Got | None) -> EmailMessage:
    """The old mail stands below as it is."""
    mail = EmailMessage()
    if old is not None:
        text += (
            f"\n\n\n-----Original Message-----\nFrom: {old.name} [mailto:{old.sender}]\n"
            f"Sent: 09 May 2026 10:00\nTo: Petra\nSubject: {old.subject}\n\n{old.text}"
        )
    mail.set_content(text, charset="windows-1252", cte="quoted-printable")
    return mail


def gmx(text: str, old: Got | None) -> EmailMessage:
    """A German web mail, HTML alone."""
    mail = EmailMessage()
    rich = f'<div style="font-family: Verdana;"><div>{html.escape(text)}</div>'
    if old is not None:
        rich += (
            '<div>&nbsp;<div name="quote"><div><b>Gesendet:</b>&nbsp;Samstag<br/>'
            f"<b>Von:</b>&nbsp;{html.escape(old.name)}<br/></div><div>{_rich(old)}</div></div></div>"
        )
    mail.set_content(f"<html><head></head><body>{rich}</div></body></html>", subtype="html")
    return mail


def _quoted(old: Got) -> str:
    return "".join(f"> {line}\n" for line in old.text.splitlines())


def _rich(old: Got) -> str:
    return html.escape(old.text).replace("\n", "<br>\n")


Client = Callable[[str, Got | None], EmailMessage]
CLIENTS: Sequence[Client] = (gmail, android, iphone, thunderbird, outlook, gmx)


class Person:
    """`knows` are the addresses that somebody told them; `signs` whether their provider does."""

    _numbers = itertools.count()

    def __init__(
        self,
        site: Installation,
        address: str,
        knows: Sequence[str] = (),
        *,
        name: str = "Petra Groß",
        signs: bool = True,
        first: Client = gmail,
    ) -> None:
        self.address, self.known = address, set(knows)
        self._site, self._name, self._signs = site, name, signs
        start = CLIENTS.index(first)
        self._clients = itertools.cycle([*CLIENTS[start:], *CLIENTS[:start]])
        self._domain = address.partition("@")[2]
        if signs:
            site.dns.remove(f"s1._domainkey.{self._domain}", "TXT")
            site.dns.add(f"s1._domainkey.{self._domain}", "TXT", key_record())

    def with_address(self, address: str) -> "Person":
        """The same person, at another provider like the first."""
        other = Person(self._site, address, name=self._name, signs=self._signs)
        other.known, other._clients = self.known, self._clients
        return other

    def writes(self, to: str, text: str = "", subject: str = "", old: Got | None = None) -> None:
        """Send a mail; one to an address from nowhere is a mistake of the test."""
        assert to in self.known, f"how does {self.address} know of {to}?"
        mail = next(self._clients)(text, old)
        mail["From"] = f"{self._name} <{self.address}>"
        mail["To"] = to
        mail["Subject"] = subject
        mail["Date"] = format_datetime(SystemClock().now())
        mail["Message-ID"] = f"<{next(self._numbers)}.{self.address}>"
        if old is not None:
            mail["In-Reply-To"] = mail["References"] = old.message_id
        raw = mail.as_bytes(policy=policy.SMTP)
        assert self._site.send(self.address, to, self._out(raw), "BODY=8BITMIME") == 250

    def replies(self, old: Got, text: str) -> None:
        prefix = "AW" if self._name == "Petra Groß" else "Re"
        self.writes(old.reply_to, text, f"{prefix}: {old.subject}", old)

    def got(self, mails: Sequence[Sunk]) -> list[Got]:
        """What of `mails` came to them; they know its addresses now."""
        mine = [read(sunk.data) for sunk in mails if sunk.recipients == (self.address,)]
        for mail in mine:
            self.known.update(_ADDRESS.findall(mail.text), {mail.reply_to, mail.sender})
            self.known.update(_ADDRESS.findall(mail.unsubscribe))
        return mine

    def _out(self, raw: bytes) -> bytes:
        return signed(raw, self._domain) if self._signs else raw


def readable(mail: Got) -> Iterator[str]:
    """What is wrong with a mail of ours for somebody with a phone."""
    if len(mail.lines) > MOST_LINES:
        yield f"{len(mail.lines)} lines"
    if len(mail.subject) > 60:
        yield f"a subject of {len(mail.subject)} characters"
