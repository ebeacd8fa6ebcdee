"""What the scripts make of a configuration that is there already; nothing is started."""

from pathlib import Path

import pytest

from listserv import config
from listserv.cli.postfix import TEMPLATES, values
from listserv.resources import JinjaTemplates
from tests.postfix.harness import Postfix

pytestmark = pytest.mark.postfix

DOMAIN = "lists.example.org"
OTHER = "lists.example.net"
CONFIG = config.parse(
    f'[site]\ndomain = "{DOMAIN}"\n[smtp]\nmax_message_bytes = 20_000_000\n[lmtp]\n'
    f'[[domain]]\nname = "{OTHER}"\n',
    Path("x.toml"),
)
QUIET = "for what in -n -M -P; do postconf $what 2>&1 >/dev/null; done"


@pytest.fixture
def postfix(root: Path) -> Postfix:
    folder = root / f"scripts-{len(list(root.iterdir()))}"
    folder.mkdir(mode=0o755)
    return Postfix(folder, 1)


def script(way: str) -> str:
    return JinjaTemplates().render(TEMPLATES[way], values(way, CONFIG))


def configuration(postfix: Postfix) -> tuple[str, str]:
    return postfix.run("postconf", "-n"), postfix.run("postconf", "-M")


@pytest.mark.parametrize("way", TEMPLATES)
def test_a_script_may_run_twice_and_leaves_nothing_to_warn_of(postfix: Postfix, way: str) -> None:
    before = configuration(postfix)
    postfix.run("sh", stdin=script(way))
    once = configuration(postfix)
    postfix.run("sh", stdin=script(way))
    assert before != once == configuration(postfix)
    assert postfix.run("sh", stdin=QUIET) == ""


@pytest.mark.parametrize("way", TEMPLATES)
def test_mail_for_each_domain_of_lists_finds_its_way(postfix: Postfix, way: str) -> None:
    postfix.run("sh", stdin=script(way))
    inward = {"dedicated": "lmtp:inet:127.0.0.1:8024", "shared": "listserv:inet:127.0.0.1:8024"}
    transport = postfix.run("postconf", "-hx", "transport_maps").strip()
    senders = postfix.run("postconf", "-hx", "sender_dependent_default_transport_maps").strip()
    for domain in (DOMAIN, OTHER):
        assert domain in postfix.run("postconf", "-h", "relay_domains").replace(",", " ").split()
        found = postfix.run("postmap", "-q", domain, transport)
        assert found.strip() == inward[way]
        assert postfix.run("postmap", "-q", f"@{domain}", senders).strip() == "listserv-out:"


def test_the_domain_of_lists_is_no_longer_a_local_one(postfix: Postfix) -> None:
    local = f"mydestination = $myhostname, vm {DOMAIN}, , {OTHER} localhost"
    postfix.run("postconf", "-e", local)
    postfix.run("sh", stdin=script("dedicated"))
    left = postfix.run("postconf", "-h", "mydestination").strip()
    assert left.strip(",").split(",") == ["mx.example.org", "vm", "localhost"]


def test_on_a_shared_host_what_is_there_stays(postfix: Postfix) -> None:
    mine = {
        "relay_domains": "other.example, more.example",
        "relay_recipient_maps": "hash:/etc/postfix/relayed",
        "transport_maps": "hash:/etc/postfix/transport",
        "sender_dependent_default_transport_maps": "hash:/etc/postfix/by_sender",
        "smtpd_discard_ehlo_keywords": "chunking",
        "message_reject_characters": "\\1",
    }
    postfix.run("postconf", "-e", *(f"{name} = {value}" for name, value in mine.items()))
    postfix.run("sh", stdin=script("shared"))
    for name, value in mine.items():
        after = postfix.run("postconf", "-h", name).strip()
        assert after.startswith(value) and len(after) > len(value)
    kept = postfix.run("postconf", "-h", "mydestination", "mynetworks", "message_size_limit")
    assert kept.split("\n")[:3] == ["$myhostname", "192.0.2.0/24", "10240000"]


@pytest.mark.parametrize(
    "setting",
    [
        "message_size_limit = 0",
        "message_size_limit = 20000000",
        "recipient_delimiter = -",
        "recipient_delimiter = +-",
        f"mydestination = localhost, {DOMAIN}",
        f"mydestination = {DOMAIN} localhost",
        f"mydestination = {OTHER}",
    ],
)
def test_on_a_shared_host_nothing_is_changed_where_postfix_would_bounce(
    postfix: Postfix, setting: str
) -> None:
    postfix.run("postconf", "-e", setting)
    before = configuration(postfix)
    with pytest.raises(AssertionError, match=f"{setting.split()[0]}.*; nothing was changed"):
        postfix.run("sh", stdin=script("shared"))
    assert configuration(postfix) == before
