"""One line of text as the mail programs of this world send it: CLIENTS, a table of MIME shapes, as
they were seen in real mail. `{}` is where the line stands; the rest is what the program adds."""

import base64
import html
import quopri
from dataclasses import dataclass

_GMAIL_QUOTE = (
    '<div class="gmail_quote"><div dir="ltr" class="gmail_attr">On Sat, 9 May 2026 at '
    "10:00, Support"
    ' &lt;<a href="mailto:support@lists.example.org">support@lists.example.org</a>&gt; wrote:<br>'
    '</div><blockquote class="gmail_quote">SIGNOFF news<br>help</blockquote></div>'
)
_OUTLOOK_HEAD = (
    "<html><head><style><!-- p.MsoNormal {{margin:0}} --></style><!--[if gte mso 9]><xml>help</xml>"
    '<![endif]--></head><body lang="EN-GB"><div class="WordSection1"><p class="MsoNormal">'
)


@dataclass(frozen=True)
class Body:
    """One text part of a mail: its subtype and parameters, its transfer encoding, its text."""

    kind: str
    charset: str
    encoding: str
    text: str
    parameters: str = ""

    def written(self, line: str) -> bytes:
        filled = self.text.format(html.escape(line) if self.kind == "html" else line)
        charset = self.charset
        try:
            octets = filled.encode(charset)
        except UnicodeEncodeError:
            charset, octets = "utf-8", filled.encode()
        octets = octets.replace(b"\n", b"\r\n")
        if self.encoding == "base64":
            octets = base64.encodebytes(octets).replace(b"\n", b"\r\n")
        elif self.encoding == "quoted-printable":
            octets = quopri.encodestring(octets.replace(b"\r\n", b"\n")).replace(b"\n", b"\r\n")
        head = (
            f"Content-Type: text/{self.kind}; charset={charset}{self.parameters}\r\n"
            f"Content-Transfer-Encoding: {self.encoding}\r\n\r\n"
        )
        return head.encode("ascii") + octets


# The program -> its parts; several are a multipart/alternative.
CLIENTS: dict[str, tuple[Body, ...]] = {
    "Gmail on the web": (
        Body("plain", "utf-8", "quoted-printable",
             "{}\n\nOn Sat, 9 May 2026 at 10:00, Support <support@lists.example.org>\nwrote:\n\n"
             "> SIGNOFF news\n> help\n>\n"),
        Body("html", "utf-8", "quoted-printable", '<div dir="ltr">{}</div><br>' + _GMAIL_QUOTE),
    ),
    "Gmail on Android": (
        Body("plain", "utf-8", "7bit", "{}\n"),
        Body("html", "utf-8", "7bit", '<p dir="ltr">{}</p>\n'),
    ),
    "Apple Mail on an iPhone": (
        Body("plain", "us-ascii", "7bit",
             "{}\n\nSent from my iPhone\n\n> On 9 May 2026, at 10:00, Support "
             "<support@lists.example"
             ".org> wrote:\n> \n> \ufeffSIGNOFF news\n"),
    ),
    "Apple Mail on a Mac": (
        Body("html", "utf-8", "quoted-printable",
             '<html><head><meta http-equiv="content-type" content="text/html"></head><body><div>{}'
             '</div><div><br></div><div><blockquote type="cite"><div>On 9 May 2026, at '
             '10:00, Support'
             " wrote:</div><br><div>SIGNOFF news</div></blockquote></div></body></html>"),
    ),
    "Outlook for Windows": (
        Body("plain", "windows-1252", "quoted-printable",
             "{}\n\n\n-----Original Message-----\nFrom: Support "
             "[mailto:support@lists.example.org]\n"
             "Sent: 09 May 2026 10:00\nTo: Ann\nSubject: Welcome\n\nSIGNOFF news\n"),
        Body("html", "windows-1252", "quoted-printable",
             _OUTLOOK_HEAD + "{}</p></div></body></html>"),
    ),
    "Outlook for Windows, HTML alone": (
        Body("html", "windows-1252", "quoted-printable",
             _OUTLOOK_HEAD + "{}<o:p></o:p></p><p class=MsoNormal>&nbsp;</p><div "
                      "style='border:none'>"
             "<p><b>From:</b> Support &lt;support@lists.example.org&gt; <br><b>Sent:</b> 09 "
             "May 2026"
             "<br><b>To:</b> Ann<br><b>Subject:</b> Welcome</p></div><p>SIGNOFF news</p></body>"),
    ),
    "Outlook in German": (
        Body("plain", "iso-8859-1", "8bit",
             "{}\n\nVon: Support <support@lists.example.org>\nGesendet: Samstag, 9. Mai "
             "2026 10:00\n"
             "An: Ann\nBetreff: Willkommen\n\nSIGNOFF news\n"),
    ),
    "Outlook on a phone": (
        Body("html", "utf-8", "base64",
             '<html><body><div dir="auto" style="font-size: 12pt;">{}</div><div '
             'id="ms-outlook-mobile'
             '-signature"><div><br></div>Get <a href="https://aka.ms/x">Outlook for iOS</a></div>'
             '<hr style="width:98%"><div id="divRplyFwdMsg"><b>From:</b> Support<br><b>Date:</b> x'
             "</div>SIGNOFF news</body></html>"),
    ),
    "Thunderbird": (
        Body("plain", "utf-8", "8bit",
             "{}\n\nAm 09.05.26 um 10:00 schrieb Support:\n> SIGNOFF news\n> help\n\n-- "
             "\nAnn Lee \n"
             "which\n", "; format=flowed"),
    ),
    "Samsung Email, HTML alone": (
        Body("html", "utf-8", "base64",
             '<html><head><style>.x{{}}</style></head><body><div>{}</div><div><br></div><div id="'
             'composer_signature">Sent from my Galaxy</div><div>-------- Original message --------'
             "</div><div>From: Support </div><div>SIGNOFF news</div></body></html>"),
    ),
    "Yahoo Mail, HTML alone": (
        Body("html", "utf-8", "8bit",
             '<div class="yahoo-style-wrap"><div dir="ltr">{}&nbsp;</div><div><br></div></div><div '
             'class="yahoo_quoted"><div>On Saturday, 9 May 2026 at 10:00:00 BST, Support '
             '&lt;support'
             "@lists.example.org&gt; wrote: </div><div>SIGNOFF news</div></div>"),
    ),
    "GMX in the browser": (
        Body("html", "utf-8", "8bit",
             '<html><head></head><body><div style="font-family: Verdana;"><div>{}</div><div>'
             '&nbsp;<div name="quote"><div><b>Gesendet:</b>&nbsp;Samstag<br/>'
             "<b>Von:</b>&nbsp;Support<br/>"
             "<b>An:</b>&nbsp;Ann</div><div>x</div></div></div></div></body></html>"),
    ),
    "K-9 Mail": (
        Body("plain", "utf-8", "quoted-printable",
             "{}\n-- \nDiese Nachricht wurde von meinem Android-Gerät mit K-9 Mail gesendet.\n"),
    ),
    "mutt": (
        Body("plain", "us-ascii", "7bit",
             "On 9 May, Support wrote:\n> SIGNOFF news\n> help\n\n{}\n"),
    ),
    "Lotus Notes": (
        Body("plain", "iso-8859-15", "quoted-printable",
             "{}\n\n________________________________\nSIGNOFF news\n"),
    ),
    "a Japanese phone": (Body("plain", "iso-2022-jp", "7bit", "{}\n"),),
    "a Russian web mail": (
        Body("plain", "koi8-r", "8bit",
             "{}\n\n9 мая 2026 \u0433. в 10:00 Support написал:\n> SIGNOFF news\n"),
    ),
    "a Chinese web mail": (
        Body("plain", "gb18030", "base64",
             "{}\n\n在 2026年5月9日\uff0cSupport 写道\uff1a\n> SIGNOFF news\n"),
    ),
    "a Polish web mail": (
        Body("plain", "iso-8859-2", "quoted-printable",
             "{}\n\nW dniu 9.05.2026 o 10:00, Support\npisze i napisał(a):\n> SIGNOFF news\n"),
    ),
}  # fmt: skip


def as_sent(client: str, line: str, subject: str = "Commands") -> bytes:
    """A whole mail with the line in its text."""
    bodies = [body.written(line) for body in CLIENTS[client]]
    head = (
        f"From: Ann Lee <ann@example.org>\r\nSubject: {subject}\r\nMIME-Version: 1.0\r\n".encode()
    )
    if len(bodies) == 1:
        return head + bodies[0]
    parts = b"".join(b"--b1\r\n" + body + b"\r\n" for body in bodies)
    return (
        head + b"Content-Type: multipart/alternative; boundary=b1\r\n\r\n" + parts + b"--b1--\r\n"
    )
