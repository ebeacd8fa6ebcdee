"""The whole way of RFC 8058, against a running server: the copy that arrived, the POST of a mail
provider, and that its reader is out at once."""

import http.client
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from email import message_from_bytes
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from listserv.flow import enrol
from listserv.mail import dns_records
from tests import sink
from tests.cli.shell import Shell
from tests.program import one_click
from tests.program.one_click import FORM, IN_PARTS, Refused, address_in, offered, post
from tests.program.running import DOMAIN
from tests.program.test_serve import PATIENCE
from tests.program.village import TOWN, Village

READERS = [f"reader{number}@example.net" for number in range(12)]


class Post(Village):
    """The same with readers enough, and a command line."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        config = folder / "listserv.toml"
        config.write_text(
            f'[site]\ndomain = "{DOMAIN}"\n'
            f'[storage]\ndatabase = "sqlite:///{folder / "listserv.db"}"\n'
        )
        self.shell = Shell(config)
        self._waiting = iter(READERS)
        app = self.running.app
        app.store.write(
            lambda tx: enrol.add_members(
                tx,
                self._ids["town"],
                READERS,
                domains={DOMAIN},
                settings={},
                by="test",
                now=app.clock.now(),
            )
        )
        self.writes("ann@example.org", TOWN, "First", "Hello.")
        self.running.mail()

    @property
    def port(self) -> int:
        assert self.running.web is not None
        return self.running.web

    def reader(self) -> str:
        """Somebody who has not left yet."""
        return next(self._waiting)

    def copy(self, address: str, subject: str = "First") -> Path:
        """The file of the copy that somebody got."""
        paths = self.running.maildir.glob("new/*")
        read = {path: message_from_bytes(path.read_bytes()) for path in paths}
        (found,) = [path for path, mail in read.items()
                    if (mail["Delivered-To"], mail["Subject"]) == (address, subject)]  # fmt: skip
        return found

    def is_member(self, address: str) -> bool:
        """As `listserv member show` says."""
        return self.shell.run("member", "show", TOWN, address).exit_code == 0


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    opened = Post(tmp_path_factory.mktemp("town"))
    yield opened
    opened.close()


@pytest.mark.parametrize("form", [FORM, IN_PARTS], ids=["urlencoded", "multipart"])
def test_one_post_takes_the_reader_of_a_copy_out_at_once(
    town: Post, form: tuple[str, bytes]
) -> None:
    reader, other = town.reader(), READERS[-1]
    url = offered(town.copy(reader))
    answers = [post(url, "127.0.0.1", town.port, form) for _ in range(100)]
    for answer in answers:
        one_click.check(answer)
    assert not town.is_member(reader) and town.is_member(other)
    town.writes("ann@example.org", TOWN, f"After {reader}", "Hello.")
    town.running.mail()
    assert town.copy(other, f"After {reader}")
    subjects = [mail["Subject"] for mail in town.mail_to(reader)]
    assert f"After {reader}" not in subjects
    assert sum(one.startswith("Goodbye from ") for one in subjects) == 1


@pytest.mark.parametrize("options", [[], ["--multipart"]])
def test_the_program_does_it_from_outside(town: Post, options: list[str]) -> None:
    reader = town.reader()
    name = dns_records.dkim_name(DOMAIN, sink.SELECTOR)
    other = rsa.generate_private_key(65537, 2048)
    for key, says, stays in ((other, "signature is broken", True), (sink.KEY, "", False)):
        record = dns_records.dkim(DOMAIN, sink.SELECTOR, key).value
        words = [str(town.copy(reader)), f"127.0.0.1:{town.port}", "--txt", name, record, *options]
        done = subprocess.run(
            [sys.executable, "-m", "tests.program.one_click", *words],
            capture_output=True, text=True, timeout=PATIENCE, check=False,
        )  # fmt: skip
        assert says in done.stderr and done.returncode == int(stays), done.stderr
        assert town.is_member(reader) is stays


SAFE = {
    "GET": ("GET", b"", {}),
    "HEAD": ("HEAD", b"", {}),
    "OPTIONS": ("OPTIONS", b"", {}),
    "an empty POST": ("POST", b"", {}),
    "a button of nobody": ("POST", b"yes=1", {"Content-Type": FORM[0]}),
    "another word": ("POST", b"List-Unsubscribe=Two-Click", {"Content-Type": FORM[0]}),
    "JSON": ("POST", b'{"List-Unsubscribe": "One-Click"}', {"Content-Type": "application/json"}),
    "a text": ("POST", FORM[1], {"Content-Type": "text/plain"}),
    "a method in a header": ("GET", b"", {"X-HTTP-Method-Override": "POST"}),
    "PUT": ("PUT", FORM[1], {"Content-Type": FORM[0]}),
    "DELETE": ("DELETE", b"", {}),
}


def test_nothing_else_takes_anybody_out(town: Post) -> None:
    reader = READERS[-1]
    path = urlsplit(offered(town.copy(reader))).path
    for what, (method, body, header) in SAFE.items():
        with closing(
            http.client.HTTPConnection("127.0.0.1", town.port, timeout=PATIENCE)
        ) as client:
            client.request(method, path, body, header)
            assert client.getresponse().status < 500, what
        assert town.is_member(reader), what


def test_wrong_tokens_get_one_page_and_take_nobody_out(town: Post) -> None:
    url = offered(town.copy(READERS[-1]))
    base, _, token = url.rpartition("/")
    other = "b" if token[5] == "a" else "a"
    answers = [
        post(f"{base}/{wrong}", "127.0.0.1", town.port)
        for wrong in (token[:-1], f"{token}a", token[:5] + other + token[6:], "a" * 32, "x/y")
    ]
    assert {answer.status for answer in answers} == {404}
    assert len({answer.header["content-length"] for answer in answers}) == 1
    assert town.is_member(READERS[-1])


ONE = "DKIM-Signature: h=" + ":".join(["list-unsubscribe"] * 2 + ["list-unsubscribe-post"] * 2)
LEAVE = "List-Unsubscribe: <https://a.example/u/x>, <mailto:town-leave@a.example>"
CLICK = "List-Unsubscribe-Post: List-Unsubscribe=One-Click"
OFFERS = {
    "all": ([ONE, LEAVE, CLICK], ""),
    "no POST": ([ONE, LEAVE], "List-Unsubscribe-Post: "),
    "two of them": ([ONE, LEAVE, CLICK, CLICK], "List-Unsubscribe-Post: "),
    "two fields": ([ONE, LEAVE, LEAVE, CLICK], "stands 2 times"),
    "a mail only": ([ONE, "List-Unsubscribe: <mailto:x@a.example>", CLICK], "0 https addresses"),
    "no TLS": ([ONE, LEAVE.replace("https", "http"), CLICK], "0 https addresses"),
    "two pages": ([ONE, LEAVE.replace(" <m", " <https://b.example/>, <m"), CLICK], "2 https"),
    "not signed": ([LEAVE, CLICK], "lists list-unsubscribe 0 times"),
    "one field signed": ([ONE.partition(":list-unsubscribe-post")[0], LEAVE, CLICK],
                         "lists list-unsubscribe-post 0 times"),
    "room for another": ([ONE.removesuffix(":list-unsubscribe-post"), LEAVE, CLICK],
                         "lists list-unsubscribe-post 1 times"),
}  # fmt: skip


@pytest.mark.parametrize("case", OFFERS)
def test_the_program_finds_what_a_provider_would(case: str) -> None:
    lines, wrong = OFFERS[case]
    copy = message_from_bytes("\n".join([*lines, "", ""]).encode())
    if not wrong:
        assert address_in(copy) == "https://a.example/u/x"
        return
    with pytest.raises(Refused, match=wrong):
        address_in(copy)
