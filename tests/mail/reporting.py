"""Reports about a copy of ours, as other mail systems make them."""

from tests.mail.building import crlf


def report(*groups: str, kind: str = "message/delivery-status", before: str = "") -> bytes:
    """A report with these groups of fields, lines ended by \\n."""
    status = "\n\n".join(("Reporting-MTA: dns; mx.example.org", *groups))
    return crlf(
        "From: MAILER-DAEMON@mx.example.org (Mail Delivery System)\n"
        "Subject: Undelivered Mail Returned to Sender\n"
        'Content-Type: multipart/report; report-type=delivery-status; boundary="=_b"\n'
        "\n--=_b\nContent-Type: text/plain\n\nYour mail could not be delivered.\n\n"
        f"--=_b\nContent-Type: {kind}\n{before}\n{status}\n\n"
        "--=_b\nContent-Type: message/rfc822\n\nSubject: Hello\n\nThe post.\n\n--=_b--\n"
    )


def complaint(
    returned: bytes,
    *,
    feedback: str = "abuse",
    report_type: str = "feedback-report",
    about: str = "message/feedback-report",
    copy: str = "message/rfc822",
    more: str = "",
    encoding: str = "",
) -> bytes:
    """A complaint (RFC 5965) about a copy that comes back; `more` are fields of its second part,
    `encoding` is a field of its third."""
    return (
        crlf(
            "From: Feedback Loop <fbl@mail.example.net>\n"
            "Subject: Complaint about a mail from lists.example.org\n"
            "Message-ID: <feedback@mail.example.net>\n"
            f'Content-Type: multipart/report; report-type={report_type}; boundary="=_b"\n'
            "MIME-Version: 1.0\n\n"
            "--=_b\nContent-Type: text/plain\n\nThis is an email abuse report. I hate Ann!\n\n"
            f"--=_b\nContent-Type: {about}\n\n"
            f"Feedback-Type: {feedback}\nUser-Agent: Feedback/1.0\nVersion: 1\n{more}\n"
            f"--=_b\nContent-Type: {copy}\n{encoding}\n"
        )
        + returned
        + b"\r\n--=_b--\r\n"
    )
