"""dkim: keys are made, published, switched; nothing is overwritten, nothing has to be edited."""

import os
import pty
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from listserv.clock import SystemClock
from tests.cli.publishing import OTHER, Publisher, configure
from tests.cli.shell import DOMAIN, Shell
from tests.dns import dns_server, silence


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    with dns_server() as dns:
        yield Publisher(configure(tmp_path, dns), dns)


@pytest.fixture
def shell(publisher: Publisher) -> Shell:
    return publisher.shell


def turns(shell: Shell, domain: str = DOMAIN) -> list[str]:
    return [key["turn"] for key in shell.json("dkim", "ls") if key["domain"] == domain]


def signing(shell: Shell, domain: str = DOMAIN) -> str:
    with shell.app() as app:
        signer = app.site.signers(domain)
    assert signer is not None
    return signer.selector


def test_a_key_is_made_for_each_domain_and_its_record_printed(shell: Shell) -> None:
    said = shell.ok("dkim", "key")
    made = shell.json("dkim", "ls")
    assert [(key["domain"], key["turn"]) for key in made] == [(DOMAIN, "key"), (OTHER, "key")]
    for key in made:
        assert Path(key["file"]).stat().st_mode & 0o777 == 0o600
        assert key["file"] in said
        assert f"{key['selector']}._domainkey.{key['domain']}. IN TXT " in said
        assert signing(shell, key["domain"]) == key["selector"]


def test_a_key_that_is_there_is_never_replaced(shell: Shell) -> None:
    shell.ok("dkim", "key", "--domain", OTHER)
    shell.ok("dkim", "key")  # for the other one
    before = {path: path.read_bytes() for path in shell.config.parent.glob("dkim.*")}
    refused = shell.refused("dkim", "key")
    assert "listserv dkim key --next" in refused and str(next(iter(before))) in refused
    assert {path: path.read_bytes() for path in shell.config.parent.glob("dkim.*")} == before


def test_a_rotation_needs_four_commands_and_no_editor(publisher: Publisher) -> None:
    shell = publisher.shell
    shell.ok("dkim", "key", "--domain", DOMAIN)
    first = signing(shell)
    config = shell.config.read_bytes()

    shell.ok("dkim", "key", "--next")
    assert (turns(shell), signing(shell)) == (["key", "next"], first)
    publisher.publish()
    said = shell.ok("dkim", "switch")
    following = signing(shell)
    assert following != first and f"{DOMAIN} signs with {following} from now on" in said
    day = (SystemClock().now() + timedelta(days=14)).strftime("%Y-%m-%d")
    assert f"leave {first}._domainkey.{DOMAIN} in the DNS until {day}" in said
    assert turns(shell) == ["key", "old"]
    assert shell.config.read_bytes() == config
    # Both records are still to be published.
    records = {each["name"] for each in shell.json("dns")}
    assert {f"{s}._domainkey.{DOMAIN}" for s in (first, following)} <= records


def test_a_switch_before_its_record_is_there_is_told(publisher: Publisher) -> None:
    shell = publisher.shell
    shell.ok("dkim", "key")
    publisher.publish()
    shell.ok("dkim", "key", "--next", "--domain", DOMAIN)
    said = shell.ok("dkim", "switch")
    assert f"_domainkey.{DOMAIN} is not in the DNS; publish what `listserv dns` prints" in said
    assert turns(shell) == ["key", "old"]


@pytest.mark.parametrize(
    ("answer", "after"),
    [(b"y\n", ["key", "old"]), (b"n\n", ["key", "next"]), (b"\n", ["key", "next"])],
)
def test_a_switch_before_its_record_is_there_asks_on_a_terminal(
    shell: Shell, answer: bytes, after: list[str]
) -> None:
    shell.ok("dkim", "key", "--domain", DOMAIN)
    shell.ok("dkim", "key", "--next")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "listserv", "--config", str(shell.config), "dkim", "switch"]
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs) as asking:
        os.close(theirs)
        said = b""
        while b"[y/N]" not in said:
            said += os.read(ours, 1000)
        os.write(ours, answer)
    os.close(ours)
    assert b"is not in the DNS" in said
    assert asking.returncode == (0 if answer == b"y\n" else 1)
    assert turns(shell) == after


def test_a_dns_that_does_not_answer_stops_no_switch(publisher: Publisher) -> None:
    shell = publisher.shell
    shell.ok("dkim", "key")
    shell.ok("dkim", "key", "--next", "--domain", DOMAIN)
    (following,) = (key["selector"] for key in shell.json("dkim", "ls") if key["turn"] == "next")
    publisher.dns.misbehave(f"{following}._domainkey.{DOMAIN}", "*", silence)
    assert "the DNS does not say whether the record is there" in shell.ok("dkim", "switch")
    assert turns(shell) == ["key", "old"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("key", "--next"), f"{DOMAIN} has no key that one could follow; make the first"),
        (("switch",), f"{DOMAIN} has no next key; make one: listserv dkim key --next"),
        (
            ("key", "--domain", "x.example"),
            "x.example is no domain of ours; there are lists.test, ",
        ),
    ],
)
def test_what_cannot_be_done_says_what_to_do(
    shell: Shell, words: tuple[str, ...], says: str
) -> None:
    assert shell.refused("dkim", *words).startswith(says)
    assert turns(shell) == []


def test_there_is_one_next_key(shell: Shell) -> None:
    shell.ok("dkim", "key")
    shell.ok("dkim", "key", "--next")
    assert "listserv dkim switch" in shell.refused("dkim", "key", "--next")
    assert turns(shell) == ["key", "next"]


def test_a_key_that_cannot_be_used_is_found_by_config_check(shell: Shell) -> None:
    shell.ok("dkim", "key")
    shell.ok("config", "check")
    path = Path(shell.json("dkim", "ls")[0]["file"])
    path.chmod(0o604)
    assert shell.refused("config", "check").endswith(f"{path}; chmod 600 it")


def test_a_key_of_the_operators_own_is_rotated_like_any_other(
    tmp_path: Path, publisher: Publisher
) -> None:
    publisher.shell.ok("dkim", "key", "--domain", DOMAIN)
    own = tmp_path / "own.pem"
    next(tmp_path.glob("dkim.*")).rename(own)
    dkim = '[dkim]\nselector = "mine"\nkey_file = "own.pem"\n'
    shell = configure(tmp_path, publisher.dns, dkim)
    assert signing(shell) == "mine"
    assert str(own) in shell.refused("dkim", "key", "--domain", DOMAIN)
    shell.ok("dkim", "key", "--next", "--domain", DOMAIN)
    assert signing(shell) == "mine"
    said = shell.ok("dkim", "switch")
    assert signing(shell) != "mine"
    assert f"leave mine._domainkey.{DOMAIN} in the DNS until" in said
    assert own.exists()
