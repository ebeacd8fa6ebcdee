"""The way out, without listserv: bytes go into the listener for copies and are compared with what
leaves, on a host whose settings for other mail change all that they can."""

import smtplib
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from listserv import config
from listserv.cli.postfix import TEMPLATES, values
from listserv.resources import JinjaTemplates
from tests.ports import free_port
from tests.postfix.harness import Postfix, Sink, below_postfix, wait_until_answers

pytestmark = pytest.mark.postfix

SENDER = "town-bounces+abcdefgh@lists.example.org"
# Each of these changes, refuses or doubles some mail of this host.
HOSTILE = (
    # smtpd
    "smtpd_client_restrictions = reject", "smtpd_helo_restrictions = reject",
    "smtpd_sender_restrictions = reject", "smtpd_recipient_restrictions = reject",
    "smtpd_data_restrictions = reject", "smtpd_end_of_data_restrictions = reject",
    "smtpd_client_event_limit_exceptions =", "smtpd_client_message_rate_limit = 1",
    "smtpd_recipient_limit = 1", "smtpd_hard_error_limit = 1",
    "smtpd_tls_security_level = encrypt", "message_size_limit = 1000",
    "content_filter = smtp:[127.0.0.1]:1", "smtpd_milters = inet:127.0.0.1:1",
    "local_header_rewrite_clients = static:all", "remote_header_rewrite_domain = rewritten.example",
    # cleanup
    "always_add_missing_headers = yes", "message_drop_headers = x-odd, subject",
    "message_strip_characters = \\0", "strict_7bit_headers = yes", "strict_8bitmime = yes",
    "mime_nesting_limit = 1", "header_checks = regexp:{ {/^Subject/ REJECT header} }",
    "mime_header_checks = regexp:{ {/^Content/ REJECT mime} }",
    "nested_header_checks = regexp:{ {/^Cc/ REJECT nested} }",
    "body_checks = regexp:{ {/caf/ REJECT body} }",
    "canonical_maps = inline:{ @lists.example.org=@canonical.example }",
    "sender_canonical_maps = inline:{ @lists.example.org=@canonical.example }",
    "recipient_canonical_maps = inline:{ @far.example=@canonical.example }",
    "masquerade_domains = example.org", "always_bcc = root",
    "sender_bcc_maps = inline:{ @lists.example.org=root }",
    "recipient_bcc_maps = inline:{ @far.example=root }",
    "virtual_alias_maps = inline:{ postmaster@host.example=mary@far.example }",
    # smtp
    "smtp_generic_maps = inline:{ @lists.example.org=@generic.example }",
    "smtp_header_checks = regexp:{ {/^X-Odd/ IGNORE} }",
    "smtp_mime_header_checks = regexp:{ {/^Content/ IGNORE} }",
    "smtp_nested_header_checks = regexp:{ {/^Cc/ IGNORE} }",
    "smtp_body_checks = regexp:{ {/caf/ REPLACE tea} }",
)  # fmt: skip
COPY = (
    b'Received: by lists.example.org; Sat, 21 Nov 2026 01:57:17 +0000\r\n'
    b'From: "Ann via Town" <town@lists.example.org>\r\nTo: town@lists.example.org\r\n'
    b"Cc: mary\r\nSubject: caf\xe9\r\nBcc: nobody\r\nX-Odd:no space  \r\n\tfolded\r\n"
    b'MIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary="b"\r\n\r\n'
    b"--b\r\nContent-Type: text/plain\r\nContent-Transfer-Encoding: 8bit\r\n\r\n"
    b"caf\xe9, na\xc3\xafve, \x80\xff, \0  \r\n.a dot\r\n..\r\nFrom the start\r\n"
    + b"x" * 990 + b"\r\n"
    b"--b\r\nContent-Type: message/rfc822\r\n\r\nCc: joe\r\nBcc: kim\r\n\r\nx\r\n"
    b"--b--\r\n\r\n\r\n"
)  # fmt: skip


@pytest.fixture(scope="module", params=TEMPLATES)
def way_out(request: pytest.FixtureRequest, root: Path) -> Iterator[tuple[int, Postfix, Sink]]:
    """The port of the listener for copies; the next hop does not announce 8BITMIME."""
    folder, copies = root / request.param, free_port()
    folder.mkdir(mode=0o755)
    text = (
        '[site]\ndomain = "lists.example.org"\n[smtp]\nlisten = "127.0.0.1:1"\n'
        f'[lmtp]\nlisten = "127.0.0.1:2"\n[relay]\nport = {copies}\n'
    )
    filled_in = values(request.param, config.parse(text, folder / "listserv.toml"))
    with ExitStack() as undo:
        sink = Sink(folder / "sink")
        undo.callback(sink.stop)
        sink.start("-8")
        postfix = Postfix(folder, sink.port)
        postfix.run("sh", stdin=JinjaTemplates().render(TEMPLATES[request.param], filled_in))
        postfix.run("postconf", "-e", *HOSTILE)
        undo.callback(postfix.stop)
        postfix.start()
        wait_until_answers(copies)
        yield copies, postfix, sink


def hand_over(port: int, recipients: list[str], *options: str) -> None:
    with smtplib.SMTP("127.0.0.1", port, "lists.example.org", timeout=90) as client:
        assert client.sendmail(SENDER, recipients, COPY, options) == {}


@pytest.mark.parametrize("options", [("BODY=8BITMIME",), ()], ids=["8bitmime", "undeclared"])
def test_a_copy_leaves_as_it_came(
    way_out: tuple[int, Postfix, Sink], options: tuple[str, ...]
) -> None:
    port, postfix, sink = way_out
    sink.forget()
    hand_over(port, ["mary@far.example", "joe@far.example"], *options)
    postfix.wait_until_empty()
    sunk = sink.messages()
    assert {each.sender for each in sunk} == {SENDER}
    assert sorted(to for each in sunk for to in each.recipients) == [
        "joe@far.example", "mary@far.example",
    ]  # fmt: skip
    assert {below_postfix(each.data) for each in sunk} == {COPY}


def test_a_member_who_is_an_alias_of_this_host_gets_the_copy(
    way_out: tuple[int, Postfix, Sink],
) -> None:
    port, postfix, sink = way_out
    sink.forget()
    hand_over(port, ["postmaster@host.example"])
    postfix.wait_until_empty()
    (sunk,) = sink.messages()
    assert sunk.recipients == ("mary@far.example",)
    assert below_postfix(sunk.data) == COPY


def test_addresses_that_postfix_refuses_do_not_end_the_connection(
    way_out: tuple[int, Postfix, Sink],
) -> None:
    port, _, _ = way_out
    with smtplib.SMTP("127.0.0.1", port, "lists.example.org", timeout=90) as client:
        client.ehlo()
        for _ in range(30):
            client.mail(SENDER)
            assert client.docmd("RCPT", "TO:<mary@far..example>")[0] == 501
            client.rset()
