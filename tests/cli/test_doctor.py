"""doctor: good news when all is in place; for what is not, the trouble in words and one step."""

import json
import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from listserv.clock import SystemClock
from listserv.mail.dns_records import public_half
from tests.cli.publishing import HERE, OTHER, Publisher, configure
from tests.cli.shell import DOMAIN, Shell
from tests.dns import DnsServer, dns_server, fails, loops, silence
from tests.sink import KEY

NOW = SystemClock().now()
Rows = list[dict[str, Any]]


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    """Keys are made, records published: everything is in place."""
    with dns_server() as dns:
        ready = Publisher(configure(tmp_path, dns), dns)
        ready.shell.ok("dkim", "key")
        ready.publish()
        yield ready


def examine(shell: Shell) -> Rows:
    """What --json prints; the exit status says whether something is wrong."""
    done = shell.run("doctor", "--json")
    rows: Rows = json.loads(done.stdout)
    wrong = sum(row["state"] == "wrong" for row in rows)
    assert done.exit_code == (1 if wrong else 0), done.output
    said = f"listserv: {wrong} of {len(rows)} findings are to be mended\n" if wrong else ""
    assert done.stderr == said
    return rows


def wrongs(shell: Shell) -> list[tuple[str, str, str, str]]:
    return [
        (row["check"], row["about"], row["says"], row["next_step"])
        for row in examine(shell)
        if row["state"] == "wrong"
    ]


def test_all_is_well(publisher: Publisher) -> None:
    rows = examine(publisher.shell)
    assert not [row for row in rows if row["state"] == "wrong"]
    found = [(row["check"], row["about"]) for row in rows]
    for check in ("mx", "spf", "dkim", "dmarc"):
        assert [about for name, about in found if name == check] == [DOMAIN, OTHER]
    assert {"config", "database", "relay", "clock"} <= {name for name, _ in found}
    assert {tuple(row) for row in rows} == {("check", "about", "state", "says", "next_step")}


def test_a_person_reads_a_mark_a_line_and_the_next_step(publisher: Publisher) -> None:
    said = publisher.shell.ok("doctor")
    assert f"✓ spf: {OTHER}: lets {DOMAIN} send\n" in said
    publisher.dns.forget()
    done = publisher.shell.run("doctor")
    assert done.exit_code == 1
    assert f"✗ mx: {OTHER}: has no MX\n    publish: {OTHER}. IN MX 10 {DOMAIN}.\n" in done.stdout


def instead(name: str, kind: str, *values: str) -> Callable[[DnsServer], None]:
    """A zone where only these records have this name and type."""

    def change(dns: DnsServer) -> None:
        dns.remove(name, kind)
        dns.add(name, kind, *values)

    return change


@pytest.mark.parametrize(
    ("change", "check", "says", "step"),
    [
        (instead(OTHER, "MX"), "mx", "has no MX", f"publish: {OTHER}. IN MX 10 {DOMAIN}."),
        (
            instead(OTHER, "MX", "10 mx.example.com", "20 mx2.example.com"),
            "mx", f"mail comes to mx.example.com, mx2.example.com, not to {DOMAIN}", "publish: ",
        ),
        (instead(OTHER, "MX", "0 ."), "mx", f"mail comes to nowhere, not to {DOMAIN}", "publish: "),
        (
            instead(OTHER, "TXT", "google-site-verification=x", "v=spf10"),
            "spf", "has no SPF record", f'publish: {OTHER}. IN TXT "v=spf1 mx a:{DOMAIN} ~all"',
        ),
        (
            instead(OTHER, "TXT", "v=spf1 mx ~all", "v=spf1 -all"),
            "spf", "has 2 SPF records, and receivers then use none of them", "leave one: ",
        ),
        (
            instead(OTHER, "TXT", "v=spf1 ip4:192.0.2.9 -all"),
            "spf", f"says fail for mail from {DOMAIN} ({HERE})", "publish: ",
        ),
        (
            instead(OTHER, "TXT", "v=spf1 include:nowhere.example -all"),
            "spf", f"says permerror for mail from {DOMAIN} ({HERE})", "publish: ",
        ),
        (instead(f"_dmarc.{OTHER}", "TXT"), "dmarc", "has no DMARC record", "publish: _dmarc."),
        (
            instead(f"_dmarc.{OTHER}", "TXT", "v=DMARC1; p=none", "v=DMARC1; p=reject"),
            "dmarc", "has 2 DMARC records, and receivers then use none of them", "leave one: ",
        ),
    ],
)  # fmt: skip
def test_a_record_that_is_not_right_is_told_in_one_line(
    publisher: Publisher, change: Callable[[DnsServer], None], check: str, says: str, step: str
) -> None:
    change(publisher.dns)
    ((name, about, said, then),) = wrongs(publisher.shell)
    assert (name, about, said) == (check, OTHER, says)
    assert then.startswith(step)


@pytest.mark.parametrize(
    ("change", "check", "says"),
    [
        (instead(OTHER, "TXT", "v=spf1 a:lists.test -all"), "spf", f"lets {DOMAIN} send"),
        (instead(f"_dmarc.{OTHER}", "TXT", "v=DMARC1; p=reject"), "dmarc", "asks for p=reject"),
        (
            lambda dns: (
                dns.remove(f"_dmarc.{OTHER}", "TXT"),
                dns.add("_dmarc.example", "TXT", "v=DMARC1; p=none; sp=quarantine"),
            ),
            "dmarc", "asks for p=quarantine",
        ),
        (
            lambda dns: (
                dns.remove(OTHER, "MX"),
                dns.add(OTHER, "MX", "10 gate.example"),
                dns.add("gate.example", "A", "127.0.0.1"),
            ),
            "mx", "mail comes to gate.example, one of smtp.trusted_mtas",
        ),
    ],
)  # fmt: skip
def test_another_record_that_does_the_same_is_as_good(
    publisher: Publisher, change: Callable[[DnsServer], None], check: str, says: str
) -> None:
    change(publisher.dns)
    rows = examine(publisher.shell)
    (row,) = (row for row in rows if (row["check"], row["about"]) == (check, OTHER))
    assert (row["state"], row["says"]) == ("good", says)


def test_a_host_name_without_an_address_is_found(publisher: Publisher) -> None:
    publisher.dns.remove(DOMAIN, "A")
    assert {(check, step) for check, _, _, step in wrongs(publisher.shell)} == {
        ("mx", f"publish an A record (and AAAA) of {DOMAIN}")
    }


@pytest.mark.parametrize("how", [silence, fails, loops])
def test_a_dns_that_gives_no_answer_is_asked_no_further(
    publisher: Publisher, how: Callable[[Any], bytes | None]
) -> None:
    publisher.dns.misbehave(DOMAIN, "MX", how)
    ((check, about, says, step),) = wrongs(publisher.shell)
    assert (check, about) == ("dns", DOMAIN)
    assert says.startswith(f"the DNS gives no answer that can be used: {DOMAIN} MX: ")
    assert publisher.dns.address in step


# What stands in the DNS instead of a key's record; {p} is the right key.
@pytest.mark.parametrize(
    ("values", "flaw"),
    [
        ((), "is not in the DNS"),
        (("v=DKIM1; k=rsa; p=",), "is not the record of one RSA key"),
        (("v=DKIM1; k=rsa; p=MIIB",), "is not the record of one RSA key"),
        ((f"v=DKIM1; k=rsa; p={public_half(KEY)}",), "has another key"),
        (("v=DKIM1; k=rsa; p={p}", "v=DKIM1; p={p}"), "is not the record of one RSA key"),
        (("v=DKIM1; k=ed25519; p={p}",), "is not the record of one RSA key"),
        (("v=DKIM1; h=sha1; p={p}",), "is not the record of one RSA key"),
        (("v=DKIM1; s=tlsrpt; p={p}",), "is not the record of one RSA key"),
        (("v=DKIM2; p={p}",), "is not the record of one RSA key"),
        (("p={p}",), ""),
        (("v=DKIM1; h=sha256; p= {p} ;",), ""),
    ],
)
def test_the_record_of_the_key_that_signs(
    publisher: Publisher, values: tuple[str, ...], flaw: str
) -> None:
    name, right = next(
        (row["name"], row["value"])
        for row in publisher.shell.json("dns")
        if row["name"].endswith(f"._domainkey.{OTHER}")
    )
    publisher.dns.remove(name, "TXT")
    publisher.dns.add(name, "TXT", *(v.format(p=right.partition("p=")[2]) for v in values))
    found = wrongs(publisher.shell)
    if not flaw:
        assert found == []
        return
    ((check, about, says, step),) = found
    assert (check, about) == ("dkim", OTHER)
    assert says == f"receivers cannot check signatures: {name} {flaw}"
    assert step.startswith(f"publish: {name}. IN TXT ")


def test_a_domain_without_a_key_is_found(publisher: Publisher) -> None:
    for path in publisher.shell.config.parent.glob(f"dkim.{OTHER}.*"):
        path.unlink()
    assert wrongs(publisher.shell) == [
        ("dkim", OTHER, "has no key, so nothing is signed", "listserv dkim key")
    ]


def test_a_key_that_cannot_be_read_is_found_and_the_rest_is_checked(publisher: Publisher) -> None:
    (path,) = publisher.shell.config.parent.glob(f"dkim.{OTHER}.*")
    path.write_bytes(b"nonsense")
    rows = examine(publisher.shell)
    assert [(r["check"], r["about"]) for r in rows if r["state"] == "wrong"] == [("dkim", OTHER)]
    assert ("dmarc", OTHER) in {(row["check"], row["about"]) for row in rows}


def test_a_rotation_is_accompanied_to_its_end(publisher: Publisher) -> None:
    shell = publisher.shell

    def about_keys() -> list[tuple[str, str, str]]:
        rows = [row for row in examine(shell) if (row["check"], row["about"]) == ("dkim", DOMAIN)]
        return [(row["state"], row["says"], row["next_step"]) for row in rows]

    def row_of(turn: str) -> dict[str, Any]:
        found: dict[str, Any] = next(k for k in shell.json("dkim", "ls") if k["turn"] == turn)
        return found

    shell.ok("dkim", "key", "--next", "--domain", DOMAIN)
    _, (state, says, step) = about_keys()
    assert (state, step.partition(" ")[0]) == ("note", "publish:")
    assert says.startswith("the next key cannot sign yet: ")

    publisher.publish()
    following = row_of("next")["selector"]
    assert about_keys()[1] == (
        "note", f"the record of the next key, {following}, is there", "listserv dkim switch",
    )  # fmt: skip

    shell.ok("dkim", "switch")
    old = row_of("old")
    name, day = f"{old['selector']}._domainkey.{DOMAIN}", old["record_until"][:10]
    assert about_keys() == [
        ("good", f"signs with {following}", ""),
        ("note", f"{name} is needed until {day}", ""),
    ]
    publisher.dns.remove(name, "TXT")
    assert about_keys()[1][:2] == (
        "wrong", f"mail that is under way cannot be checked until {day}: {name} is not in the DNS",
    )  # fmt: skip

    publisher.publish()
    long_ago = (NOW - timedelta(days=14, hours=1)).timestamp()
    os.utime(old["file"], (long_ago, long_ago))
    day = f"{NOW - timedelta(hours=1):%Y-%m-%d}"
    assert about_keys()[1] == (
        "note", f"{name} is needed no more since {day}",
        f"take it out of the DNS, then delete {old['file']}",
    )  # fmt: skip
    publisher.publish()  # `listserv dns` has it no more
    assert about_keys()[1] == (
        "note",
        f"{old['selector']} is used no more",
        f"delete {old['file']}",
    )
    Path(old["file"]).unlink()
    assert about_keys() == [("good", f"signs with {following}", "")]


def test_a_relay_elsewhere_knows_itself_what_spf_has_to_say(
    tmp_path: Path, publisher: Publisher
) -> None:
    text = publisher.shell.config.read_text()
    relay = '[relay]\nhost = "smtp.example.com"\n[dns]'
    publisher.shell.config.write_text(
        text[: text.index("[relay]")] + relay + text.split("[dns]")[1]
    )
    publisher.dns.add("smtp.example.com", "A", "127.0.0.1")
    rows = examine(publisher.shell)
    (spf,) = (row for row in rows if (row["check"], row["about"]) == ("spf", OTHER))
    assert spf["state"] == "good"
    assert spf["says"].endswith("whether that covers the relay, its owner knows")


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[site]\ndomain = 'lists.test'\n[smtp]\nlistn = ''\n", "smtp.listn is not a key; did you"),
        ("[site", "is not TOML"),
    ],
)
def test_a_configuration_that_cannot_be_used_is_all_that_is_told(
    shell: Shell, text: str, says: str
) -> None:
    shell.config.write_text(text)
    ((check, about, said, step),) = wrongs(shell)
    assert (check, about) == ("config", str(shell.config))
    assert said.startswith(says) and "listserv config example" in step


def test_a_database_that_cannot_be_opened_is_named_and_the_rest_is_checked(
    publisher: Publisher,
) -> None:
    (publisher.shell.config.parent / "listserv.db").write_bytes(b"not a database" * 100)
    rows = examine(publisher.shell)
    (wrong,) = (row for row in rows if row["state"] == "wrong")
    assert (wrong["check"], wrong["about"]) == ("database", "storage.database")
    assert "not a database" in wrong["says"]
    assert {"relay", "clock", "mx"} <= {row["check"] for row in rows}


def test_an_older_database_is_told_what_to_do(publisher: Publisher) -> None:
    with publisher.shell.app() as app:
        app.store.write(
            lambda tx: tx.exec_driver_sql("UPDATE alembic_version SET version_num = '0000'")
        )
    ((check, _, says, _),) = wrongs(publisher.shell)
    assert check == "database" and says.endswith("run `listserv db upgrade`")
