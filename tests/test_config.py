"""The operator's file: what is read, and that every complaint names the file and the key."""

import dataclasses
import re
import tomllib
from datetime import UTC, datetime, time
from pathlib import Path
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from hypothesis import given
from hypothesis import strategies as st

from listserv.app import build
from listserv.config import (
    KEYS,
    LMTP_LISTEN,
    SMTP_LISTEN,
    WEB_LISTEN,
    Auth,
    Config,
    Delivery,
    Dkim,
    Dns,
    Domain,
    Relay,
    Web,
    load,
    parse,
)
from listserv.domain.address import Address
from listserv.domain.errors import ListservError
from listserv.domain.mailing import Mode
from listserv.mail.sign import Signer, read_key
from listserv.resources import config_example

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
SITE = '[site]\ndomain = "lists.example.org"\n'
WHERE = Path("/etc/listserv/listserv.toml")
# Fields of Config that come out of the file that a key names.
READ_FROM_FILES = {"relay.password", "dkim.key", "domain.key"}
# Keys whose default depends on another key.
ELSEWHERE = {
    "delivery.mode", "dkim.keys_dir", "domain.name", "domain.operator", "site.rules_dir",
}  # fmt: skip


def fields(config: Config) -> dict[str, object]:
    """Every field of every section, "smtp.listen" and its value; of one [[domain]], too."""
    sections = {part.name: getattr(config, part.name) for part in dataclasses.fields(Config)}
    del sections["others"]
    sections["domain"] = Domain("lists.example.net", config.site.operator)
    return {
        f"{name}.{key.name}": getattr(section, key.name)
        for name, section in sections.items()
        for key in dataclasses.fields(section)
    }


def read(more: str = "", where: Path = WHERE) -> Config:
    return parse(SITE + more, where)


def complaint(text: str, where: Path = WHERE) -> str:
    with pytest.raises(ListservError) as caught:
        parse(text, where)
    said = str(caught.value)
    assert said.startswith(f"{where}: ")
    assert "\n" not in said
    return said.removeprefix(f"{where}: ")


def test_a_domain_is_enough() -> None:
    config = read()
    assert config.site.domain == config.site.hostname == "lists.example.org"
    assert config.site.operator == Address("postmaster", "lists.example.org")
    assert config.smtp.listen is None
    assert config.lmtp.listen is None
    assert config.templates_dir is None


def test_the_example_says_the_defaults() -> None:
    example = parse(config_example().read_text(), WHERE)
    assert example == read("[smtp]\n[lmtp]\n[web]\n")
    assert (example.smtp.listen, example.lmtp.listen) == (SMTP_LISTEN, LMTP_LISTEN)
    assert example.web.listen == WEB_LISTEN


def test_the_example_explains_every_key_that_works_and_no_other() -> None:
    on: set[str] = set()
    off: set[str] = set()
    section = ""
    for line in config_example().read_text().splitlines():
        if found := re.fullmatch(r"\[(\w+)\]|# \[\[(\w+)\]\]", line):
            section = found[1] or found[2]
        elif found := re.fullmatch(r"(# )?(\w+) = .+", line):
            (off if found[1] else on).add(f"{section}.{found[2]}")
    assert on | off == set(KEYS)
    default = fields(read("[smtp]\n[lmtp]\n[web]\n"))
    assert off == {key for key in KEYS if default[key] in (None, "")} | ELSEWHERE


def test_every_key_that_works_is_a_field_of_config() -> None:
    assert fields(read()).keys() - READ_FROM_FILES == set(KEYS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "site.domain is missing"),
        ("[site]\nhostname = 'a.example'", "site.domain is missing"),
        ("[site", "is not TOML"),
        ("a = " + "[" * 5000, "is not TOML"),
        ("domain = 'lists.example.org'", "domain stands in no section"),
        ("site = 'lists.example.org'", "site stands in no section"),
        ("[[site]]\ndomain = 'lists.example.org'", "site is one section"),
        (SITE + "[sntp]", "[sntp] is not a section; there are site, storage, smtp"),
        (SITE + "[smtp]\nlistn = ''", "smtp.listn is not a key; did you mean smtp.listen?"),
        (SITE + '[smtp]\n"a\\nb" = 1', r"'smtp.a\nb' is not a key"),
        (SITE + "[smtp.listen]\nport = 1", "smtp.listen wants a text"),
        (SITE + "[relay]\npassword = 'x'", "relay.password is not a key; did you mean relay.pass"),
        ("[site]\ndomain = 5", "site.domain wants a text"),
        ("[site]\ndomain = 'a b'", "site.domain wants a domain name"),
        ("[site]\ndomain = '[127.0.0.1]'", "site.domain wants a domain name"),
        (SITE + "hostname = 'x@y'", "site.hostname wants a domain name"),
        (SITE + "operator = 'somebody'", "site.operator wants a mail address"),
        (SITE + 'operator = "a@b.example\\r\\nBcc: x"', "site.operator wants a text"),
        (SITE + "timezone = 'Europe/Londres'", "site.timezone wants the name of a time zone"),
        (SITE + "timezone = 'Europe'", "site.timezone wants the name of a time zone"),
        (SITE + "timezone = '../../etc/passwd'", "site.timezone wants the name of a time zone"),
        (SITE + "templates_dir = '/nowhere'", "site.templates_dir cannot be read: /nowhere: No"),
        (SITE + "[storage]\ndatabase = 'mysql://h/d'", "storage.database wants sqlite:///PATH"),
        (SITE + "[storage]\ndatabase = 'sqlite://'", "storage.database wants sqlite:///PATH"),
        (SITE + "[storage]\ndatabase = 'sqlite:///:memory:'", "storage.database wants sqlite"),
        (SITE + "[storage]\ndatabase = 'sqlite:////a?mode=ro'", "storage.database wants sqlite"),
        (SITE + "[storage]\ndatabase = 'postgresql://h'", "storage.database wants sqlite"),
        (SITE + "[storage]\nretention_days = 0", "storage.retention_days wants a whole number"),
        (SITE + "[storage]\nretention_days = true", "storage.retention_days wants a whole"),
        (SITE + "[smtp]\nlisten = 8025", "smtp.listen wants a text"),
        (SITE + "[smtp]\nlisten = ':8025'", "smtp.listen wants a text"),
        (SITE + "[smtp]\nlisten = 'localhost'", 'smtp.listen wants "host:port"'),
        (SITE + "[smtp]\nlisten = '127.0.0.1:65536'", 'smtp.listen wants "host:port"'),
        (SITE + "[smtp]\nlisten = '127.0.0.1:-1'", 'smtp.listen wants "host:port"'),
        (SITE + "[smtp]\nlisten = '127.0.0.1:٣'", 'smtp.listen wants "host:port"'),
        (SITE + "[smtp]\nlisten = '::1:8025'", "smtp.listen wants an IPv6 address, and only that"),
        (SITE + "[smtp]\nlisten = '[127.0.0.1]:8025'", "smtp.listen wants an IPv6 address"),
        (SITE + "[smtp]\nlisten = 'a b:8025'", "smtp.listen wants a host name or an IP address"),
        (SITE + "[smtp]\ntrusted_mtas = '127.0.0.1'", "smtp.trusted_mtas wants a list"),
        (SITE + "[smtp]\ntrusted_mtas = ['10.0.0.0/8']", "smtp.trusted_mtas wants a list"),
        (SITE + "[smtp]\ntrusted_mtas = [1]", "smtp.trusted_mtas wants a list"),
        (SITE + "[smtp]\ntls_cert = '/nowhere'", "smtp.tls_cert cannot be read: /nowhere: No such"),
        (SITE + "[smtp]\ntls_cert = '/dev/null'", "smtp.tls_key is missing"),
        (SITE + "[smtp]\ntls_key = '/dev/null'", "smtp.tls_cert is missing"),
        (
            SITE + "[smtp]\nlisten = '127.0.0.1:24'\n[lmtp]\nlisten = '127.0.0.1:24'",
            "lmtp.listen is the same as smtp.listen",
        ),
        (SITE + "[relay]\nkind = 'lmtp'", 'relay.kind wants "smtp" or "maildir"'),
        (SITE + "[relay]\nhost = ''", "relay.host wants a text"),
        (SITE + "[relay]\nhost = 'a:25'", "relay.host wants a host name or an IP address"),
        (SITE + "[relay]\nport = 0", "relay.port wants a whole number from 1 to 65535"),
        (SITE + "[relay]\nport = '25'", "relay.port wants a whole number from 1 to 65535"),
        (SITE + "[smtp]\n[relay]\nport = 8025", "relay.port is our own listener"),
        (SITE + "[relay]\nnotice_port = 0", "relay.notice_port wants a whole number from 1 to"),
        (SITE + "[lmtp]\n[relay]\nnotice_port = 8024", "relay.notice_port is our own listener"),
        (SITE + "[relay]\nnotice_port = 25", "relay.notice_port would change nothing: it is rel"),
        (
            SITE + "[relay]\nkind = 'maildir'\npath = 'mail'\nnotice_port = 26",
            "relay.notice_port would change nothing: a Maildir has no ports",
        ),
        (SITE + "[relay]\nmax_per_second = -1", "relay.max_per_second wants a number from 0"),
        (SITE + "[relay]\nmax_per_second = true", "relay.max_per_second wants a number from 0"),
        (SITE + "[relay]\nmax_per_second = nan", "relay.max_per_second wants a number from 0"),
        (SITE + "[relay]\nmax_per_second = inf", "relay.max_per_second wants a number from 0"),
        (SITE + "[relay]\nmax_per_second = '5'", "relay.max_per_second wants a number from 0"),
        (SITE + "[relay]\nmax_per_day = 0.5", "relay.max_per_day wants a whole number from 0"),
        (SITE + "[relay]\nmax_per_day = -1", "relay.max_per_day wants a whole number from 0"),
        (SITE + "[relay]\nburst_bytes = 0", "relay.burst_bytes wants a whole number from 1"),
        (SITE + "[relay]\ntls = true", "relay.tls wants"),
        (SITE + "[relay]\nconnections = 0", "relay.connections wants a whole number"),
        (SITE + "[relay]\nkind = 'maildir'", "relay.path is the folder"),
        (SITE + "[relay]\npath = 'mail'", "relay.path is the folder"),
        (SITE + "[relay]\nusername = 'u'", "relay.password_file is missing"),
        (SITE + "[relay]\npassword_file = '/nowhere'", "relay.password_file cannot be read"),
        (SITE + "[delivery]\nmode = 'fast'", 'delivery.mode wants "batched" or "verp" or "pers'),
        (SITE + "[delivery]\nworkers = 0", "delivery.workers wants a whole number from 1 to 64"),
        (SITE + "[delivery]\nworkers = 65", "delivery.workers wants a whole number from 1 to 64"),
        (SITE + "[delivery]\nworkers = true", "delivery.workers wants a whole number"),
        (SITE + "[delivery]\nsigning_threads = -1", "delivery.signing_threads wants a whole"),
        (SITE + "[dkim]\nselector = 's1'", "dkim.key_file is missing: a key and the selector"),
        (SITE + "[dkim]\nselector = ''", "dkim.selector wants a text"),
        (SITE + "[dkim]\nselector = 's 1'", "dkim.selector wants the selector of a DNS record"),
        (SITE + "[dkim]\nselector = 'a..b'", "dkim.selector wants the selector of a DNS record"),
        (SITE + "[dkim]\nselector = 's1;'", "dkim.selector wants the selector of a DNS record"),
        (SITE + "[dkim]\nselector = 's1'\nkey_file = '/nowhere'", "dkim.key_file cannot be read: "),
        (SITE + "[dkim]\nkey = 'MII'", "dkim.key is not a key; did you mean dkim.key"),
        *((f"{SITE}[digest]\nhour = {wrong}", "digest.hour wants an hour such as 7, or")
          for wrong in ("24", "-1", "7.5", "true", "''", "'soon'", "[7]")),
        (SITE + "[digest]\nhours = 7", "digest.hours is not a key; did you mean digest.hour?"),
        (SITE + "[spam]\nheader = 'X-Spam'", "spam.header wants a header line"),
        (SITE + '[spam]\nheader = "X-Spam: a\\nb"', "spam.header wants a text"),
    ],
)  # fmt: skip
def test_a_complaint_names_the_key(text: str, says: str) -> None:
    assert complaint(text).startswith(says)


def test_an_empty_section_changes_nothing() -> None:
    assert read("[auth]\n[dns]\n[dkim]") == read()


URL = "https://lists.example.org"
LONG = "https://lists.example.org/" + "a" * 175


@pytest.mark.parametrize(
    ("written", "url"),
    [
        (URL, URL),
        (f"{URL}/", URL),
        ("HTTPS://Lists.Example.ORG:8443/A/b_c~d.e-f/", f"{URL}:8443/A/b_c~d.e-f"),
        ("https://bücher.example", "https://xn--bcher-kva.example"),
        ("http://localhost:8026", "http://localhost:8026"),
        ("http://127.0.0.1/x", "http://127.0.0.1/x"),
        ("http://[0::1]:8026/", "http://[::1]:8026"),
        ("http://lists.example.org", None),
        ("http://192.0.2.1", None),
        ("ftp://localhost", None),
        ("lists.example.org", None),
        ("//lists.example.org", None),
        ("https://", None),
        ("https://:443", None),
        ("https://lists.example.org:0", None),
        ("https://lists.example.org:70000", None),
        ("https://me@lists.example.org", None),
        ("https://localhost@evil.example/", None),
        (r"https://lists.example.org\@evil.example", None),
        (f"{URL}/?a=b", None),
        (f"{URL}?", None),
        (f"{URL}/#", None),
        (f"{URL}//x", None),
        (f"{URL}/..", None),
        (f"{URL}/a/./b", None),
        (f"{URL}/...", f"{URL}/..."),
        (f"{URL}/a b", None),
        (f"{URL}/>,<mailto:x@y.example", None),
        (f"{URL}/%2e%2e", None),
        (f"{URL}/caf\u00e9", None),
        ("https://[::1", None),
        (LONG[:200], LONG[:200]),
        (LONG, None),
        ("", None),
        ("https://a\\nb", None),
    ],
)  # fmt: skip
def test_pages_are_reached_by_https_or_on_this_machine(written: str, url: str | None) -> None:
    """So that nothing of it can end or change a header field that it stands in."""
    others = "[[domain]]\nname = 'a.example'\n[[domain]]\nname = 'b.example'\nurl = "
    text = f"[web]\nurl = '{URL}'\n{others}'{written}'"
    if url is None:
        assert complaint(f"{SITE}[web]\nurl = '{written}'").startswith(
            ("web.url wants", "web.url has")
        )
        assert complaint(SITE + text).startswith(("domain.url wants", "domain.url has"))
    else:
        assert read(f"[web]\nurl = '{written}'").web == Web(WEB_LISTEN, url)
        urls = [domain.url for domain in read(text).domains]
        assert urls == [URL, URL, url]


def test_each_domain_has_the_pages_that_it_says_or_the_sites(tmp_path: Path) -> None:
    others = "[[domain]]\nname = 'a.example'\n[[domain]]\nname = 'b.example'\n"
    database = f"[storage]\ndatabase = 'sqlite:///{tmp_path / 'l.db'}'\n"
    for text, urls in (
        ("", {}),
        (f"url = 'https://b.example/x/'\n[web]\nurl = '{URL}'\n",
         {"lists.example.org": URL, "a.example": URL, "b.example": "https://b.example/x"}),
    ):  # fmt: skip
        app = build(read(others + text + database))
        assert app.site.urls == urls
        names = {"lists.example.org", "a.example", "b.example"}
        assert app.site.names == names | {urlsplit(url).hostname for url in urls.values()}
        app.store.close()


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (f"[web]\nurl = '{URL}'\nlisten = ''", "web.listen is off: nobody would answer"),
        ("[web]\nurl = 1", "web.url wants a text"),
        ("[web]\ntrusted_proxies = '127.0.0.1'", "web.trusted_proxies wants a list of IP"),
        (f"[[domain]]\nname = 'a.example'\nurl = '{URL}'", "web.url is missing: domain.url"),
        ("[smtp]\n[web]\nlisten = '127.0.0.1:8025'", "web.listen is the same as smtp.listen"),
        ("[lmtp]\n[web]\nlisten = '127.0.0.1:8024'", "web.listen is the same as lmtp.listen"),
        ("[web]\n[relay]\nport = 8026", "relay.port is our own listener"),
    ],
)
def test_a_complaint_about_pages_names_the_key(text: str, says: str) -> None:
    assert complaint(SITE + text).startswith(says)


@pytest.mark.parametrize(
    ("text", "mode"),
    [
        ("", "verp"),
        ("[web]", "verp"),
        (f"[web]\nurl = '{URL}'", "personal"),
        (f"[web]\nurl = '{URL}'\n[delivery]\nmode = 'verp'", "verp"),
    ],
)
def test_copies_are_personal_where_there_is_a_page_for_leaving(text: str, mode: str) -> None:
    assert read(text).delivery.mode == mode


@pytest.mark.parametrize(
    ("text", "hour"),
    [("", time(7)), ("[digest]", time(7)), ("[digest]\nhour = 0", time(0)),
     ("[digest]\nhour = '18:30'", time(18, 30)), ("[digest]\nhour = '7 pm'", time(19))],
)  # fmt: skip
def test_digests_come_at_the_sites_hour(text: str, hour: time) -> None:
    assert read(text).digest.hour == hour


def test_who_is_asked_and_believed_is_read() -> None:
    config = read(
        "[auth]\nrequire_proven_author = false\ntrusted_authserv_ids = ['MX.example.org']\n"
        "[dns]\nservers = ['127.0.0.1:5353', '192.0.2.1', '::0:1', '[::1]:54']"
    )
    assert config.auth == Auth(False, frozenset({"mx.example.org"}))
    assert config.dns.servers == ("127.0.0.1:5353", "192.0.2.1:53", "[::1]:53", "[::1]:54")
    assert (read().auth, read().dns) == (Auth(True, frozenset()), Dns(()))


def test_a_domain_has_an_operator_of_its_own_or_the_sites() -> None:
    config = read(
        "[[domain]]\nname = 'Lists.Example.Net'\noperator = 'eve@example.net'\n"
        "[[domain]]\nname = 'bücher.example'\n"
    )
    site = Domain("lists.example.org", config.site.operator)
    net = Domain("lists.example.net", Address("eve", "example.net"))
    books = Domain("xn--bcher-kva.example", config.site.operator)
    assert config.domains == (site, net, books)
    assert read().domains == (site,)


@pytest.mark.parametrize(
    ("database", "keys"),
    [
        ("sqlite:////var/lib/listserv/l.db", "/var/lib/listserv"),
        ("sqlite:///l.db", "/etc/listserv"),
        ("sqlite:////srv/100%25/l.db", "/srv/100%"),
        ("postgresql://u@h/d", "/etc/listserv"),
    ],
)
def test_keys_are_made_where_the_server_may_write(database: str, keys: str) -> None:
    assert read(f"[storage]\ndatabase = '{database}'").dkim.keys_dir == Path(keys)


def test_another_folder_of_keys_has_to_be_there(tmp_path: Path) -> None:
    file = tmp_path / "listserv.toml"
    file.write_text(SITE + "[dkim]\nkeys_dir = 'k'\n")
    with pytest.raises(ListservError, match=r"dkim\.keys_dir cannot be read: .*/k: No such file"):
        load(file)
    (tmp_path / "k").mkdir()
    assert load(file).dkim.keys_dir == tmp_path / "k"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[auth]\nrequire_proven_author = 0", "auth.require_proven_author wants true or false"),
        ("[auth]\nrequire_proven_author = 'no'", "auth.require_proven_author wants true or fal"),
        ("[auth]\ntrusted_authserv_ids = 'mx'", "auth.trusted_authserv_ids wants a list of names"),
        ("[auth]\ntrusted_authserv_ids = ['a b']", "auth.trusted_authserv_ids wants a list of"),
        ("[auth]\ntrusted_authserv_ids = [1]", "auth.trusted_authserv_ids wants a list of names"),
        ("[web]\nlsten = ''", "web.lsten is not a key"),
        ("[dns]\nresolver = ''", "dns.resolver is not a key; did you mean dns.servers?"),
        ("[dns]\nservers = '127.0.0.1'", "dns.servers wants a list of IP addresses"),
        ("[dns]\nservers = ['ns.example.org']", "dns.servers wants a list of IP addresses"),
        ("[dns]\nservers = ['ns.example.org:53']", "dns.servers wants a list of IP addresses"),
        ("[dns]\nservers = ['127.0.0.1:0']", "dns.servers wants a list of IP addresses"),
        ("[dns]\nservers = ['']", "dns.servers wants a list of IP addresses"),
        ("[dns]\nservers = ['127.0.0.1:65536']", "dns.servers wants a list of IP addresses"),
        ("[domain]\nname = 'a.example'", "domain may stand there several times: write [[domain]]"),
        ("[[domain]]", "domain.name is missing"),
        ("[[domain]]\nname = 'a b'", "domain.name wants a domain name"),
        ("[[domain]]\nnme = 'a.example'", "domain.nme is not a key; did you mean domain.name?"),
        ("[[domain]]\nname = 'LISTS.example.org'", "domain.name is there twice: lists.example.org"),
        ("[[domain]]\nname = 'a.example'\nselector = 's'", "domain.key_file is missing: a key and"),
        ("[[domain]]\nname = 'a.example'\nkey_file = 'k'", "domain.selector is missing: a key and"),
        (
            "[[domain]]\nname = 'a.example'\nselector = 's'\nkey_file = '/nowhere'",
            "domain.key_file cannot be read: /nowhere",
        ),
    ],
)  # fmt: skip
def test_a_complaint_about_domains_and_trust_names_the_key(text: str, says: str) -> None:
    assert complaint(SITE + text).startswith(says)


@pytest.mark.parametrize(
    ("written", "listen"),
    [
        ("127.0.0.1:8025", "127.0.0.1:8025"),
        ("[::1]:08025", "[::1]:8025"),
        ("[0:0::1]:0", "[::1]:0"),
        ("LocalHost:25", "localhost:25"),
        ("", None),
    ],
)
def test_a_listener_is_an_address_and_a_port_or_off(written: str, listen: str | None) -> None:
    assert read(f"[smtp]\nlisten = '{written}'").smtp.listen == listen
    assert read(f"[lmtp]\nlisten = '{written}'").lmtp.listen == listen


@pytest.mark.parametrize(
    ("written", "url"),
    [
        ("sqlite:////var/lib/x.db", "sqlite:////var/lib/x.db"),
        ("sqlite:///x.db", "sqlite:////etc/listserv/x.db"),
        ("sqlite:///../x.db", "sqlite:////etc/listserv/../x.db"),
        ("postgresql://u:p@h/d", "postgresql+psycopg://u:p@h/d"),
        ("postgresql+psycopg:///d?host=/run/postgresql", "postgresql+psycopg:///d?host=/run/postgresql"),
        ("postgresql+psycopg://u@[::1]:5432/d", "postgresql+psycopg://u@[::1]:5432/d"),
    ],
)  # fmt: skip
def test_the_database_is_one_sqlite_file_or_postgresql(written: str, url: str) -> None:
    assert read(f"[storage]\ndatabase = '{written}'").storage.database == url


def test_addresses_and_names_are_read_in_one_spelling() -> None:
    config = parse(
        "[site]\ndomain = 'Bücher.Example'\ntimezone = 'Europe/London'\n"
        "[smtp]\ntrusted_mtas = ['::0:1', '10.0.0.1']\n[relay]\nhost = '0::1'\n",
        WHERE,
    )
    assert config.site.domain == config.site.hostname == "xn--bcher-kva.example"
    assert config.site.timezone == ZoneInfo("Europe/London")
    assert config.smtp.trusted_mtas == {"::1", "10.0.0.1"}
    assert config.relay.host == "::1"


def test_paths_start_at_the_folder_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    file = tmp_path / "listserv.toml"
    file.write_text(
        SITE + "templates_dir = 'words'\n[storage]\ndatabase = 'sqlite:///l.db'\n"
        "[relay]\nkind = 'maildir'\npath = 'mail'\n"
    )
    config = load(file)
    assert config.templates_dir == tmp_path / "words"
    assert config.storage.database == f"sqlite:///{tmp_path}/l.db"
    assert config.relay.path == tmp_path / "mail"


def test_a_relative_name_of_the_file_is_understood(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "listserv.toml").write_text(SITE + "[storage]\ndatabase = 'sqlite:///l.db'\n")
    monkeypatch.chdir(tmp_path)
    assert load(Path("listserv.toml")).storage.database == f"sqlite:///{tmp_path}/l.db"


def test_a_file_that_is_missing_a_folder_or_no_text_is_named(tmp_path: Path) -> None:
    latin = tmp_path / "latin.toml"
    latin.write_bytes(b'[site]\ndomain = "caf\xe9.example"\n')
    for path, says in (
        (tmp_path / "none.toml", "cannot be read: No such file or directory"),
        (tmp_path, "cannot be read: Is a directory"),
        (latin, "is not a text in UTF-8"),
    ):
        with pytest.raises(ListservError) as caught:
            load(path)
        assert str(caught.value) == f"{path}: {says}"


SECRET = "correct horse battery"


def _with_password(folder: Path, mode: int, content: bytes, relay: str = "") -> Path:
    secret = folder / "relay.password"
    secret.write_bytes(content)
    secret.chmod(mode)
    file = folder / "listserv.toml"
    file.write_text(
        f"{SITE}[relay]\nusername = 'lists'\npassword_file = 'relay.password'\n{relay}\n"
    )
    return file


def test_the_password_comes_out_of_its_file_and_shows_nowhere(tmp_path: Path) -> None:
    config = load(_with_password(tmp_path, 0o640, SECRET.encode() + b"\n"))
    assert config.relay.password == SECRET
    assert config.relay.username == "lists"
    assert SECRET not in repr(config)
    assert SECRET not in str(config)


@pytest.mark.parametrize(
    ("mode", "content", "says"),
    [
        (0o604, SECRET.encode(), "may be read by everybody"),
        (0o600, b"", "wants a file with the password on its only line"),
        (0o600, b"one\ntwo", "wants a file with the password on its only line"),
        (0o600, b"a\0b", "wants a file with the password on its only line"),
        (0o600, b"\xff\xfe", "wants a file with the password on its only line"),
    ],
)
def test_a_password_file_is_refused(tmp_path: Path, mode: int, content: bytes, says: str) -> None:
    with pytest.raises(ListservError) as caught:
        load(_with_password(tmp_path, mode, content))
    said = str(caught.value)
    assert f"listserv.toml: relay.password_file {says}" in said
    assert SECRET not in said


def test_a_password_does_not_travel_in_the_clear(tmp_path: Path) -> None:
    for tls in ("off", "opportunistic"):
        file = _with_password(tmp_path, 0o600, b"x", f"host = 'smtp.example.net'\ntls = '{tls}'")
        with pytest.raises(ListservError, match=r"relay\.tls wants \"required\""):
            load(file)
    required = "host = 'smtp.example.net'\ntls = 'required'"
    assert load(_with_password(tmp_path, 0o600, b"x", required)).relay.tls == "required"


def test_the_password_of_the_database_shows_nowhere(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "listserv.toml"
    file.write_text(f"{SITE}[storage]\ndatabase = 'postgresql://u:s3cret@h/d'\n")
    file.chmod(0o600)
    assert "s3cret" not in repr(load(file))
    assert not caplog.records
    file.chmod(0o644)
    load(file)
    assert "everybody may read the password" in caplog.text
    assert "s3cret" not in caplog.text
    for broken in ("postgresql://u:s3cret@h:port/d", "postgresql://u:s3cret@[h/d", "s3cret://"):
        assert "s3cret" not in complaint(f"{SITE}[storage]\ndatabase = '{broken}'")


@pytest.mark.parametrize(
    ("text", "relay"),
    [
        ("", Relay()),
        ("max_per_second = 12\nmax_per_day = 50_000", Relay(max_per_second=12, max_per_day=50_000)),
        ("max_per_second = 0.2", Relay(max_per_second=0.2)),
        ("notice_port = 10027\nburst_bytes = 1", Relay(notice_port=10027, burst_bytes=1)),
    ],
)
def test_what_the_relay_allows_is_read(text: str, relay: Relay) -> None:
    assert read(f"[relay]\n{text}").relay == relay


@pytest.mark.parametrize("mode", Mode)
def test_every_mode_of_a_mailing_can_be_chosen(mode: Mode) -> None:
    text = f"[delivery]\nmode = '{mode}'\nworkers = 64\nsigning_threads = 3"
    assert read(text).delivery == Delivery(workers=64, signing_threads=3, mode=mode)


RSA = rsa.generate_private_key(65537, 2048)
PEM = RSA.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _with_key(folder: Path, key: bytes, mode: int = 0o600) -> Path:
    (folder / "dkim.key").write_bytes(key)
    (folder / "dkim.key").chmod(mode)
    file = folder / "listserv.toml"
    file.write_text(f"{SITE}[dkim]\nselector = 'S2026.mail'\nkey_file = 'dkim.key'\n")
    return file


def test_the_key_comes_out_of_its_file_signs_and_shows_nowhere(tmp_path: Path) -> None:
    assert read().domains[0].key is None
    config = load(_with_key(tmp_path, PEM))
    keys_dir = Path("/var/lib/listserv")
    assert config.dkim == Dkim("s2026.mail", tmp_path / "dkim.key", PEM, keys_dir)
    assert config.domains[0].key == PEM
    assert config.dkim.key is not None
    key = read_key(config.dkim.key, "dkim.key")
    message = b"From: town@lists.example.org\r\n\r\nHello.\r\n"
    signed = Signer(config.site.domain, config.dkim.selector, key).signature(message, NOW)
    assert b" s=s2026.mail;" in signed
    assert "PRIVATE" not in repr(config) and "PRIVATE" not in str(config.dkim)
    assert "PRIVATE" not in repr(config.domains)


def test_each_domain_may_have_a_key_of_its_own(tmp_path: Path) -> None:
    file = _with_key(tmp_path, PEM)
    with file.open("a") as more:
        more.write(
            "[[domain]]\nname = 'a.example'\n"
            "[[domain]]\nname = 'b.example'\nselector = 'b'\nkey_file = 'dkim.key'\n"
        )
    keys = {d.name: (d.selector, d.key_file, d.key) for d in load(file).domains}
    assert keys == {
        "lists.example.org": ("s2026.mail", tmp_path / "dkim.key", PEM),
        "a.example": ("", None, None),
        "b.example": ("b", tmp_path / "dkim.key", PEM),
    }


def test_the_old_form_of_an_rsa_key_is_taken_too(tmp_path: Path) -> None:
    old = RSA.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
    assert load(_with_key(tmp_path, old)).dkim.key == old


@pytest.mark.parametrize(
    ("mode", "key", "says"),
    [
        (0o604, PEM, "may be read by everybody: {}; chmod 600 it"),
        (0o600, b"", "cannot be used: {}: a DKIM key is an RSA private key of 2048 to 4096 bits"),
        (0o600, PEM[:300], "cannot be used: {}: a DKIM key is an RSA private key"),
        (0o600, (Path(__file__).parent / "tls/key.pem").read_bytes(), "cannot be used: {}: a DKIM"),
        (0o600, (Path(__file__).parent / "tls/locked-key.pem").read_bytes(), "cannot be used: {}:"),
        (0o600, b"x" * 100_000, "cannot be used: {}: a DKIM key"),
    ],
    ids=["everybody", "empty", "cut off", "not RSA", "locked", "endless"],
)  # fmt: skip
def test_a_key_file_is_refused(tmp_path: Path, mode: int, key: bytes, says: str) -> None:
    file = _with_key(tmp_path, key, mode)
    with pytest.raises(ListservError) as caught:
        load(file)
    said = str(caught.value)
    assert said.startswith(f"{file}: dkim.key_file {says.format(tmp_path / 'dkim.key')}")
    assert "BEGIN" not in said and "\n" not in said


def test_a_key_without_its_selector_is_refused(tmp_path: Path) -> None:
    file = _with_key(tmp_path, PEM)
    file.write_text(f"{SITE}[dkim]\nkey_file = 'dkim.key'\n")
    with pytest.raises(ListservError, match=r"dkim\.selector is missing"):
        load(file)


# Made with `openssl req -x509 -newkey ec …`; locked-key.pem is key.pem under a passphrase.
TLS = Path(__file__).parent / "tls"


def test_a_certificate_and_its_key_are_taken() -> None:
    text = SITE + "[smtp]\ntls_cert = 'cert.pem'\ntls_key = 'key.pem'\n"
    smtp = parse(text, TLS / "listserv.toml").smtp
    assert (smtp.tls_cert, smtp.tls_key) == (TLS / "cert.pem", TLS / "key.pem")


@pytest.mark.parametrize(
    ("cert", "key"),
    [
        ("cert.pem", "another-key.pem"),
        ("cert.pem", "locked-key.pem"),  # nobody is there to type its passphrase
        ("key.pem", "cert.pem"),
    ],
)
def test_a_certificate_without_its_key_is_refused(cert: str, key: str) -> None:
    text = f"{SITE}[smtp]\ntls_cert = '{cert}'\ntls_key = '{key}'\n"
    said = complaint(text, TLS / "listserv.toml")
    assert said.startswith("smtp.tls_cert is not a PEM certificate with the key in ")


@given(st.text())
def test_any_text_is_read_or_refused_in_one_line(text: str) -> None:
    _read_or_refused(text)


_words = st.sampled_from(sorted({part for key in KEYS for part in key.split(".")}))
_atoms = st.one_of(
    st.integers().map(str), st.booleans().map(lambda b: str(b).lower()), st.floats().map(str),
    st.text().map(lambda s: '"' + s.encode("unicode_escape").decode().replace('"', "") + '"'),
    st.sampled_from(["[]", "{}", "1979-05-27", "'a:1'", "'sqlite:///x'", "'a@b.example'"]),
)  # fmt: skip


@given(st.lists(st.tuples(_words, _words, _atoms), max_size=6))
def test_any_keys_and_values_are_read_or_refused_in_one_line(
    lines: list[tuple[str, str, str]],
) -> None:
    for table in ("[{}]", "[[{}]]"):
        _read_or_refused(
            SITE + "\n".join(f"{table.format(s)}\n{key} = {value}" for s, key, value in lines)
        )
    _read_or_refused("\n".join(f"{section}.{key} = {v}" for section, key, v in lines))


def _read_or_refused(text: str) -> None:
    try:
        config = parse(text, WHERE)
    except ListservError as refused:
        assert str(refused).startswith(f"{WHERE}: ")
        assert len(str(refused).splitlines()) == 1
    else:
        assert config.site.domain == tomllib.loads(text)["site"]["domain"].lower()


def test_config_is_frozen() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        read().relay.port = 26  # type: ignore[misc]
