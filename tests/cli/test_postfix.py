"""postfix: the scripts for both ways, and the map of recipients. What they do to a real Postfix is
tested in tests/postfix."""

import subprocess
from pathlib import Path

import pytest

from listserv import config
from listserv.cli.postfix import recipient_map, relay_advice, values
from listserv.domain.address import DOMAIN_FORMS, FORMS, Form
from listserv.domain.errors import ListservError
from tests.cli.shell import DOMAIN, Shell

HERE = "[smtp]\n[lmtp]\n[relay]\nport = 10026\n"
LISTENERS = '[smtp]\nlisten = "{smtp}"\n[lmtp]\nlisten = "{lmtp}"\n'


def configured(text: str) -> config.Config:
    return config.parse(f'[site]\ndomain = "{DOMAIN}"\n{text}', Path("listserv.toml"))


def set_up(shell: Shell, more: str) -> None:
    shell.config.write_text(shell.config.read_text() + more)


@pytest.mark.parametrize("way", ["dedicated", "shared"])
def test_each_way_is_a_script_that_a_shell_understands(shell: Shell, way: str) -> None:
    set_up(shell, HERE)
    script = shell.ok("postfix", way)
    assert subprocess.run(["/bin/sh", "-n"], input=script, text=True).returncode == 0
    assert f"listserv postfix {way}" in script
    assert DOMAIN in script


def test_without_a_way_both_are_shown_and_neither_can_be_run(shell: Shell) -> None:
    set_up(shell, HERE)
    both = shell.ok("postfix")
    assert "smtpd_proxy_filter = inet:127.0.0.1:8025" in both
    assert "=listserv:inet:127.0.0.1:8024" in both
    ran = subprocess.run(["/bin/sh"], input=both, text=True, capture_output=True, env={"PATH": ""})
    assert (ran.returncode, ran.stderr) == (
        1, "listserv postfix: say which way: dedicated or shared\n",
    )  # fmt: skip


def test_without_a_way_only_those_are_shown_that_have_a_listener(shell: Shell) -> None:
    assert "smtp.listen is not set" in shell.refused("postfix")
    set_up(shell, "[lmtp]\n[relay]\nport = 10026\n")
    shown = shell.ok("postfix")
    assert "smtpd_proxy_filter = " not in shown
    assert "=listserv:inet:127.0.0.1:8024" in shown


def test_the_operator_hears_that_copies_need_another_port(shell: Shell) -> None:
    set_up(shell, "[smtp]\n[lmtp]\n")
    done = shell.run("postfix", "shared")
    assert (done.exit_code, done.stderr.count("\n")) == (0, 1)
    assert "set relay.port = 10026" in done.stderr


@pytest.mark.parametrize(("way", "key"), [("dedicated", "smtp.listen"), ("shared", "lmtp.listen")])
def test_a_listener_that_is_off_is_named(way: str, key: str) -> None:
    with pytest.raises(ListservError, match=key):
        values(way, configured(""))


@pytest.mark.parametrize(
    ("smtp", "lmtp", "reached", "inward"),
    [
        ("127.0.0.1:8025", "127.0.0.1:8024", "127.0.0.1:8025", "lmtp:inet:127.0.0.1:8024"),
        ("0.0.0.0:8025", "0.0.0.0:8024", "127.0.0.1:8025", "lmtp:inet:127.0.0.1:8024"),
        ("[::]:8025", "[::1]:8024", "[::1]:8025", "lmtp:inet:[::1]:8024"),
        ("localhost:8025", "", "localhost:8025", "smtp:[localhost]:8025"),
        ("[::1]:8025", "", "[::1]:8025", "smtp:[::1]:8025"),
    ],
)
def test_listeners_are_written_as_postfix_reaches_them(
    smtp: str, lmtp: str, reached: str, inward: str
) -> None:
    filled_in = values("dedicated", configured(LISTENERS.format(smtp=smtp, lmtp=lmtp)))
    assert (filled_in["listen_smtp"], filled_in["inward"]) == (reached, inward)


@pytest.mark.parametrize(
    ("relay", "copies", "advice"),
    [
        ("", "127.0.0.1:10026", "relay.port = 10026"),
        ("port = 25", "127.0.0.1:10026", "relay.port = 10026"),
        ("port = 587", "127.0.0.1:10026", "relay.port = 10026"),
        ("port = 2525", "127.0.0.1:2525", ""),
        ('host = "::1"\nport = 2525', "[::1]:2525", ""),
        ('host = "smtp.provider.example"', "127.0.0.1:10026", ""),
        ('kind = "maildir"\npath = "/tmp/mail"', "127.0.0.1:10026", 'relay.kind = "maildir"'),
    ],
)
def test_copies_have_a_listener_of_their_own(relay: str, copies: str, advice: str) -> None:
    made = configured(f'[smtp]\nlisten = "127.0.0.1:8025"\n[relay]\n{relay}\n')
    assert values("dedicated", made)["copies"] == copies
    assert advice in relay_advice(made)
    assert bool(advice) == bool(relay_advice(made))


@pytest.mark.parametrize(
    ("relay", "notices", "advice"),
    [
        ("port = 10026", None, ""),
        ("port = 10026\nnotice_port = 10027", "127.0.0.1:10027", ""),
        ('host = "::1"\nport = 2525\nnotice_port = 2526', "[::1]:2526", ""),
        ("port = 10026\nnotice_port = 587", "127.0.0.1:10027", "relay.notice_port = 10027"),
        ("notice_port = 10030", "127.0.0.1:10030", "relay.port = 10026"),
        ('host = "smtp.provider.example"\nnotice_port = 26', None, ""),
    ],
)
def test_notices_have_a_listener_of_their_own_when_asked_for(
    relay: str, notices: str | None, advice: str
) -> None:
    made = configured(f'[smtp]\nlisten = "127.0.0.1:8025"\n[relay]\n{relay}\n')
    assert values("dedicated", made)["notices"] == notices
    assert advice in relay_advice(made)
    assert bool(advice) == bool(relay_advice(made))


@pytest.mark.parametrize("relay", ["notice_port = 10026", "port = 10027\nnotice_port = 465"])
def test_notices_and_copies_do_not_share_a_listener(relay: str) -> None:
    made = configured(f'[smtp]\nlisten = "127.0.0.1:8025"\n[relay]\n{relay}\n')
    with pytest.raises(ListservError, match=r"relay\.notice_port"):
        values("dedicated", made)


@pytest.mark.parametrize("way", ["dedicated", "shared"])
def test_the_script_makes_that_listener_only_then(shell: Shell, way: str) -> None:
    set_up(shell, HERE)
    without = shell.ok("postfix", way)
    assert "notices" not in without
    set_up(shell, "notice_port = 10027\n")
    script = shell.ok("postfix", way)
    assert script.startswith(without.rstrip("\n"))
    assert script.count("listserv-notices/unix = listserv-notices unix") == 1
    assert "127.0.0.1:10027/inet = 127.0.0.1:10027 inet" in script
    assert subprocess.run(["/bin/sh", "-n"], input=script, text=True).returncode == 0


def test_postfix_takes_less_than_we_do_and_copies_may_be_larger() -> None:
    for size in (1, 1000, 20_971_520):
        listeners = LISTENERS.format(smtp="127.0.0.1:8025", lmtp="127.0.0.1:8024")
        listeners = listeners.replace("[lmtp]", f"max_message_bytes = {size}\n[lmtp]")
        filled_in = values("shared", configured(listeners))
        assert int(str(filled_in["mta_bytes"])) <= size < int(str(filled_in["copy_bytes"]))


def looked_up(address: str) -> set[str]:
    """What Postfix asks a map for with recipient_delimiter = + (access(5), "address extension")."""
    local, _, domain = address.rpartition("@")
    return {address, f"{local.partition('+')[0]}@{domain}"}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.suffix or "post")
def test_postfix_finds_every_address_of_a_list(form: Form) -> None:
    keys = {line.split()[0] for line in recipient_map([("my-town", DOMAIN)], DOMAIN)}
    argument = "" if form.argument is None else "abcdefgh"
    assert keys & looked_up(f"my-town{form.suffix}{argument}@{DOMAIN}")


@pytest.mark.parametrize("form", DOMAIN_FORMS, ids=lambda form: form.suffix)
def test_postfix_finds_every_address_of_the_domain(form: Form) -> None:
    keys = {line.split()[0] for line in recipient_map([], DOMAIN)}
    argument = "" if form.argument is None else "abcdefgh"
    assert keys & looked_up(f"{form.suffix}{argument}@{DOMAIN}")


@pytest.mark.parametrize("local", ["nobody", "my", "my-town-nonsense", "town", "nobody+my-town"])
def test_postfix_finds_nothing_else(local: str) -> None:
    keys = {line.split()[0] for line in recipient_map([("my-town", DOMAIN)], DOMAIN)}
    assert not keys & looked_up(f"{local}@{DOMAIN}")


def test_the_map_has_each_address_once_and_those_a_list_had_before(town: Shell) -> None:
    town.ok("list", "rename", "town", f"city@{DOMAIN}")
    lines = town.ok("postfix", "--recipients").splitlines()
    assert lines[0].startswith("# ")
    assert len(lines) == len(set(lines))
    for name in ("town", "city"):
        assert f"{name}@{DOMAIN} ok" in lines
        assert f"{name}-bounces@{DOMAIN} ok" in lines
    assert f"postmaster@{DOMAIN} ok" in lines


def test_the_map_has_the_addresses_of_every_domain(town: Shell) -> None:
    with town.config.open("a") as more:
        more.write('[[domain]]\nname = "lists.example"\n')
    town.ok("list", "create", "village@lists.example")
    lines = town.ok("postfix", "--recipients").splitlines()
    for address in (f"town@{DOMAIN}", "village-bounces@lists.example", "postmaster@lists.example"):
        assert f"{address} ok" in lines
    assert f"village@{DOMAIN} ok" not in lines


def test_recipients_and_a_way_do_not_go_together(shell: Shell) -> None:
    assert "--recipients goes without WAY" in shell.misused("postfix", "shared", "--recipients")
