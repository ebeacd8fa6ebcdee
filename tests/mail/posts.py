"""Posts as they come, in all the ways that hide their text: POSTS, a table of a message and what a
digest shows of it."""

import base64
from dataclasses import dataclass


@dataclass(frozen=True)
class Shown:
    """`attachments` are "name, type, octets"."""

    text: str = ""
    attachments: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


def part(kind: str, body: str, *fields: str) -> str:
    return "\n".join([f"Content-Type: {kind}", *fields]) + f"\n\n{body}"


def several(kind: str, *parts: str, boundary: str = "b1") -> str:
    inside = "".join(f"--{boundary}\n{one}\n" for one in parts)
    return part(f'multipart/{kind}; boundary="{boundary}"', f"{inside}--{boundary}--\n")


def in_base64(octets: bytes) -> str:
    return base64.encodebytes(octets).decode("ascii")


def post(content: str) -> bytes:
    """Of Ann's."""
    head = "From: Ann Lee <ann@example.org>\nSubject: Hello\nMIME-Version: 1.0\n"
    return (head + content).replace("\n", "\r\n").encode("utf-8", "surrogateescape")


BASE64 = "Content-Transfer-Encoding: base64"
EIGHT = "Content-Transfer-Encoding: 8bit"
QUOTED = "Content-Transfer-Encoding: quoted-printable"
PLAIN = part("text/plain; charset=utf-8", "Hello all.", EIGHT)
PAGE = part("text/html; charset=utf-8", "<p>Hello <b>all</b>.</p>", EIGHT)
PHOTO = part("image/jpeg; name=photo.jpg", in_base64(b"x" * 1000), BASE64,
             "Content-Disposition: attachment; filename=photo.jpg")  # fmt: skip
LONG = ("These are words. " * 50).strip()
PHOTO_SHOWN = "photo.jpg, image/jpeg, 1000"
SIGNED = part("application/pgp-signature; name=signature.asc", "-----BEGIN PGP SIGNATURE-----")
EVENT = """\
BEGIN:VCALENDAR
METHOD:REQUEST
BEGIN:VTIMEZONE
DTSTART:16010101T030000
END:VTIMEZONE
BEGIN:VEVENT
DTSTART;TZID=Europe/Berlin:20260509T100000
SUMMARY;LANGUAGE=de:Tea\\, cake and
  talk
END:VEVENT
END:VCALENDAR
"""
FORWARDED = """\
From: Bob Ray <bob@example.net>
Date: Sat, 9 May 2026 10:00:00 +0200
Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=
Content-Type: text/html; charset=iso-8859-1

<p>From Bob.</p>
"""
TITLE = "\u2709 Bob Ray, Sat, 9 May 2026 10:00:00 +0200: Grüße"

POSTS: dict[str, tuple[str, Shown]] = {
    "plain text": (PLAIN, Shown("Hello all.")),
    "no Content-Type": ("\nHello all.", Shown("Hello all.")),
    "HTML alone, as phones send it": (PAGE, Shown("Hello all.")),
    "the same text twice": (several("alternative", PLAIN, PAGE), Shown("Hello all.")),
    "the same text twice, with a picture inside": (
        several("mixed", several("alternative", PLAIN, several("related", PAGE, PHOTO,
                                 boundary="b3"), boundary="b2"), PHOTO),
        Shown("Hello all.", (PHOTO_SHOWN, PHOTO_SHOWN))),
    "a page with a picture, and one below": (
        several("mixed", several("related", PAGE, PHOTO, boundary="b2"), PHOTO, PAGE),
        Shown("Hello all.\n\nHello all.", (PHOTO_SHOWN, PHOTO_SHOWN))),
    "a plain text that is none": (
        several("alternative", part("text/plain", "This mail is in HTML. Your mail program does "
                                    "not show it."),
                part("text/html", "<p>We meet on Monday. " + "Come. " * 20)),
        Shown("We meet on Monday. " + "Come. " * 19 + "Come.")),
    "a plain text that is none, in no known language": (
        several("alternative", part("text/plain", "Xyzzy."), part("text/html", "come " * 100)),
        Shown(("come " * 100).strip())),
    "a long text, and its page with a picture": (
        several("alternative", part("text/plain", LONG), several(
            "related", part("text/html", f"<p>{LONG}</p>"), PHOTO, boundary="b2")),
        Shown(LONG, (PHOTO_SHOWN,))),
    "an empty plain text": (several("alternative", part("text/plain", "\n"), PAGE),
                            Shown("Hello all.")),
    "an empty page": (several("alternative", PLAIN, part("text/html", "<p></p>")),
                      Shown("Hello all.")),
    "a list's footer below": (several("mixed", PLAIN, part("text/plain", "-- \nfoot")),
                              Shown("Hello all.\n\n-- \nfoot")),
    "flowed": (part("text/plain; format=flowed",
                    "One \nline.\n From me.\n> quo \n> ted\n>> deep\n-- \nAnn"),
               Shown("One line.\nFrom me.\n> quo ted\n>> deep\n-- \nAnn")),
    "flowed, with a sign that is no mark": (
        part("text/plain; format=flowed", " > 5 mg\n> quoted\n"), Shown(" > 5 mg\n> quoted")),
    "flowed, spaces deleted": (part("text/plain; format=flowed; delsp=yes", "One \nword.\n"),
                               Shown("Oneword.")),
    "a forwarded message": (
        several("mixed", PLAIN, part("message/rfc822", FORWARDED)),
        Shown(f"Hello all.\n\n{TITLE}\n\nFrom Bob.")),
    "a forwarded message in base64": (
        several("mixed", PLAIN, part("message/rfc822", in_base64(FORWARDED.encode()), BASE64)),
        Shown(f"Hello all.\n\n{TITLE}\n\nFrom Bob.")),
    "a forwarded message with an attachment": (
        several("mixed", PLAIN, part("message/rfc822", "Subject: x\n" + several(
            "mixed", PLAIN, PHOTO, boundary="b2"))),
        Shown("Hello all.\n\n\u2709 x\n\nHello all.", (PHOTO_SHOWN,))),
    "a forwarded message that is none": (
        several("mixed", PLAIN, part("message/rfc822", "\nnothing")),
        Shown("Hello all.", (", message/rfc822, 9",))),
    "a forwarded message with a header that nobody reads": (
        part("message/rfc822", f"Subject: {'x' * 150_000}\n\nx"),
        Shown("", (", message/rfc822, 150014",))),
    "forwarded five times": (
        part("message/rfc822", "Subject: 1\n" + part("message/rfc822", "Subject: 2\n" + part(
            "message/rfc822", "Subject: 3\n" + part("message/rfc822", "Subject: 4\n\nx")))),
        Shown("\u2709 1\n\n\u2709 2\n\n\u2709 3", ("4, message/rfc822, 15",))),
    "an invitation": (
        several("alternative", PLAIN, PAGE, part("text/calendar; method=REQUEST", EVENT)),
        Shown("Hello all.", (), ("calendar Tea, cake and talk, 2026-05-09 10:00 Europe/Berlin",))),
    "an invitation for a day, in UTC, alone": (
        part("text/calendar; name=x.ics", "BEGIN:VEVENT\nDTSTART;VALUE=DATE:20260509\nSUMMARY:Tea"),
        Shown("", (), ("calendar Tea, 2026-05-09",))),
    "an invitation that is taken back": (
        part("text/calendar", "METHOD:CANCEL\nBEGIN:VEVENT\nDTSTART:20260509T080000Z\n"),
        Shown("", (), ("cancelled 2026-05-09 08:00 UTC",))),
    "an invitation that steers": (
        part("text/calendar", "BEGIN:VEVENT\nSUMMARY:\u202ea\x07b\\nc\n"),
        Shown("", (), ("calendar ab c",))),
    "an attachment that steers": (
        part("image/\u202ep\x07ng; name=\"=?utf-8?q?a=E2=80=AEgnp=2Eexe?=\"", "x"),
        Shown("", ("agnp.exe, image/png, 1",))),
    "an invitation without a time": (
        part("text/calendar", "BEGIN:VEVENT\nDTSTART:soon\nSUMMARY:Tea\n"),
        Shown("", (), ("calendar Tea",))),
    "an invitation that cannot be read": (part("text/calendar", "\x00x"),
                                         Shown("", (), ("calendar",))),
    "Outlook's package": (
        several("mixed", PLAIN, part("application/ms-tnef; name=winmail.dat", "x"),
                part("application/octet-stream; name=WINMAIL.DAT", "x")),
        Shown("Hello all.", (), ("winmail",))),
    "signed with OpenPGP": (several("signed", PLAIN, SIGNED), Shown("Hello all.")),
    "signed with S/MIME": (
        several("signed", several("alternative", PLAIN, PAGE, boundary="b2"),
                part("application/octet-stream; name=smime.p7s", "x")), Shown("Hello all.")),
    "signed, with a list's footer": (
        several("signed", PLAIN, SIGNED, part("text/plain", "foot")), Shown("Hello all.\n\nfoot")),
    "signed, opaque": (part("application/pkcs7-mime; smime-type=signed-data; name=smime.p7m", "x"),
                       Shown("", (), ("sealed",))),
    "certificates": (part("application/pkcs7-mime; smime-type=certs-only", "x"),
                     Shown("", (), ("nothing",))),
    "encrypted with S/MIME": (part("application/x-pkcs7-mime; name=smime.p7m", "x"),
                              Shown("", (), ("encrypted",))),
    "encrypted with OpenPGP": (
        several("encrypted", part("application/pgp-encrypted", "Version: 1"),
                part("application/octet-stream; name=encrypted.asc", "x")),
        Shown("", (), ("encrypted",))),
    "encrypted with OpenPGP, through Exchange": (
        several("mixed", part("text/plain", ""), part("application/pgp-encrypted", "Version: 1"),
                part("application/octet-stream; name=encrypted.asc", "x")),
        Shown("", (), ("encrypted",))),
    "encrypted in the text": (
        part("text/plain", "Hi,\n-----BEGIN PGP MESSAGE-----\nVersion: 1\n\nxyz\n"
                           "-----END PGP MESSAGE-----\nBye."),
        Shown("Hi,\n\nBye.", (), ("encrypted",))),
    "encrypted in the text, without an end": (
        part("text/plain", "-----BEGIN PGP MESSAGE-----\n\nxyz"), Shown("", (), ("encrypted",))),
    "signed in the text, without an end": (
        part("text/plain", "-----BEGIN PGP SIGNED MESSAGE-----\n\nHi."), Shown("Hi.")),
    "signed in the text": (
        part("text/plain", "-----BEGIN PGP SIGNED MESSAGE-----\nHash: SHA256\n\nHi.\n- - one\n"
                           "-----BEGIN PGP SIGNATURE-----\n\nxyz\n-----END PGP SIGNATURE-----\n"
                           "\nfoot\n"),
        Shown("Hi.\n- one\n\nfoot")),
    "nothing": ("\n", Shown("", (), ("nothing",))),
    "an attachment alone": (PHOTO, Shown("", (PHOTO_SHOWN,))),
    "a text that is attached": (
        several("mixed", PLAIN, part("text/plain", "x=\n=41", QUOTED,
                "Content-Disposition: attachment; filename*=utf-8''B%C3%B6%20.txt")),
        Shown("Hello all.", ("Bö .txt, text/plain, 2",))),
    "names that are long, in pieces, encoded, or of paths": (
        several("mixed", part("image/png; name=\"=?utf-8?q?B=C3=B6.png?=\"", "x"),
                part("image/png", "x", "Content-Disposition: attachment; filename*0=abc;\n"
                     " filename*1=def"),
                part(f"image/png; name={'x' * 100}.jpeg", "x"),
                part("image/png; name=/etc/passwd", "x")),
        Shown("", ("Bö.png, image/png, 1", "abcdef, image/png, 1",
                   f"{'x' * 54}….jpeg, image/png, 1", "passwd, image/png, 1"))),
    "a name that is not quite what it says": (
        part("image/png", "x",
             "Content-Disposition: attachment; filename*=utf-8''%C3%BC\udce9%C3%BC"),
        Shown("", ("ü\ufffdü, image/png, 1",))),
    "200 attachments": (
        several("mixed", PLAIN, *[PHOTO] * 199),
        Shown("Hello all.", (PHOTO_SHOWN,) * 20, ("more 179",))),
    "a multipart without its parts": (part("multipart/mixed", "x"), Shown("", (), ("unread",))),
    "a patch": (part("text/x-patch", "--- a\n+++ b"), Shown("--- a\n+++ b")),
    "a Windows text that says that it is Latin-1": (
        part("text/plain; charset=iso-8859-1", "=93ok=94 =80", QUOTED),
        Shown("“ok” €")),
    "UTF-8 that says that it is ASCII": (part("text/plain; charset=us-ascii", "Grüße"),
                                         Shown("Grüße")),
    "Windows that says that it is UTF-8": (
        part("text/plain; charset=utf-8", "Gr=FC=DFe", QUOTED),
        Shown("Grüße")),
    "UTF-8 with one broken octet": (
        part("text/plain; charset=utf-8", "Gr=C3=BC=C3=9Fe aus K=F6ln",
             QUOTED), Shown("Grüße aus K\ufffdln")),
    "a page that says its charset itself": (
        part("text/html", in_base64(b'<meta http-equiv="Content-Type" content="text/html; charset='
                                    b'iso-8859-2">\xa3\xf3d\xbc'), BASE64), Shown("Łódź")),
    "an unknown charset": (part("text/plain; charset=x-klingon", "Grüße"), Shown("Grüße")),
    "Chinese beyond what it says": (
        part("text/plain; charset=gb2312", in_base64("中文\u93c6".encode("gb18030")), BASE64),
        Shown("中文\u93c6")),
    "Japanese": (part("text/plain; charset=iso-2022-jp",
                      "こんにちは".encode("iso-2022-jp").decode("ascii")),
                 Shown("こんにちは")),
    "from right to left": (part("text/plain; charset=utf-8", "\u202eשלח\u202c תה\u2067!", EIGHT),
                           Shown("שלח תה!")),
    "controls": (part("text/plain", "a\x00b\x1b[31mc\td\x0ce"), Shown("ab[31mc d\ne")),
    "lines of hyphens": (part("text/plain", f"a\n{'-' * 30}\nb"), Shown(f"a\n{'-' * 30}\nb")),
    "blank lines": (part("text/plain", "\n\n\na\n \n\n \nb\n\n"), Shown("a\n\nb")),
}  # fmt: skip
