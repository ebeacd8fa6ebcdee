"""Somebody quotes a mail of ours, with the address at which only they are to answer: no reader of
the list, no moderator, author or owner gets a token that acts for somebody else."""

from base64 import encodebytes
from dataclasses import replace
from email import message_from_bytes
from email.message import Message
from pathlib import Path

from listserv.domain.authorship import Signature
from listserv.rule_files import RuleFiles
from listserv.store import held, posts
from tests.flow.letters import ANN, BOB, MO, PROVEN, ZOE, send
from tests.flow.waiting import MAX, OLGA, a_town, reply, shown
from tests.flow.world import DOMAIN, World, a_message

HERS = "a" * 22
ADDRESS = f"town-confirm+{HERS}@{DOMAIN}"
CUT = f"town-confirm@{DOMAIN}"


def quoting(to: str, number: int = 1) -> bytes:
    """A mail with the token in its subject, its recipients, and its text, which is encoded."""
    text = encodebytes(f"selling\r\n> Reply-To: {ADDRESS}\r\n".encode()).decode().strip()
    return a_message(
        ANN, (f"{to}@{DOMAIN}", ADDRESS), subject=f"Look {ADDRESS}", mime_version="1.0",
        content_transfer_encoding="base64", message_id=f"<{number}@example.org>", body=text,
    )  # fmt: skip


def sent(world: World) -> dict[str, str]:
    """By reader: all that they can read of the mails that go out now."""
    before = len(world.sent), len(world.waiting)
    world.deliver()
    mails = [*world.sent[before[0] :], *world.waiting[before[1] :]]
    read: dict[str, str] = {}
    for one in mails:
        for reader in one.recipients:
            text = "\n".join(texts(message_from_bytes(b"".join(one.data))))
            read[reader] = read.get(reader, "") + text
    return read


def texts(mail: Message) -> list[str]:
    found = []
    for part in mail.walk():
        found += [f"{name}: {value}" for name, value in part.items()]
        payload = part.get_payload(decode=True)
        found += [payload.decode()] if isinstance(payload, bytes) else []
    return found


def nobody_reads_it(world: World, *readers: str) -> None:
    """These get a mail that quotes the address, without the token."""
    found = sent(world)
    assert set(found) == set(readers)
    assert not [reader for reader, text in found.items() if HERS in text]
    assert all(CUT in text for text in found.values())


def test_members_get_a_post_without_it_and_it_is_kept_so(world: World) -> None:
    a_town(world, moderation="off")
    for _ in range(2):  # the second is a duplicate
        world.post(ANN, "town", raw=quoting("town"), authorship=PROVEN)
    nobody_reads_it(world, ANN, BOB, MO, MAX, OLGA)
    kept = world.store.read(lambda tx: posts.raw(tx, 1))
    assert kept is not None and kept != quoting("town")
    assert HERS not in "\n".join(texts(message_from_bytes(kept)))
    assert world.store.read(lambda tx: posts.get(tx, 1)).subject == f"Look {CUT}"


def test_moderators_see_a_held_post_without_it(world: World, tmp_path: Path) -> None:
    (tmp_path / "town.txt").write_text(
        'when body has any of "selling" then urgent, hold "advert?"\n'
    )
    world.site = replace(world.site, rule_files=RuleFiles(tmp_path))
    a_town(world, content_rules="town.txt")
    world.post(ANN, "town", raw=quoting("town"), authorship=replace(PROVEN, spf_aligned=True))
    nobody_reads_it(world, ANN, MO, MAX)
    (waiting,) = world.store.read(held.ls)
    assert waiting.subject == f"Look {CUT}"


def test_owners_read_mail_to_them_without_it(world: World) -> None:
    a_town(world)
    world.post(ANN, f"town-owner@{DOMAIN}", raw=quoting("town-owner"), authorship=PROVEN)
    nobody_reads_it(world, OLGA)


def test_an_author_reads_a_moderators_words_without_it(world: World) -> None:
    """Some program quotes without a mark and in a language that nobody reads here."""
    a_town(world, subscription="approve")
    world.post(ANN, "town", authorship=PROVEN)
    (one,) = shown(world, MO)
    sent(world)
    reply(world, one, f"ask Who?\r\nVastaa: Town <{ADDRESS}>")
    nobody_reads_it(world, ANN)
    reply(world, one, f"reject An advert.\r\nVastaa: Town <{ADDRESS}>")
    nobody_reads_it(world, ANN)
    send(world, ZOE, f"subscribe town Zoe Zu\r\n\r\nI was sent {ADDRESS}\r\n", "listserv")
    assert not [reader for reader, text in sent(world).items() if HERS in text]


def test_a_signature_of_the_authors_proves_nothing_of_a_copy_from_which_it_was_cut(
    world: World,
) -> None:
    a_town(world, moderation="off", from_rewrite="policy")
    signed = (Signature("example.org", b"d" * 32, None, frozenset({"from"})),)
    world.post(ANN, "town", raw=quoting("town"), authorship=replace(PROVEN, aligned=signed))
    stored = world.store.read(lambda tx: posts.get(tx, 1))
    assert stored.authorship.aligned == () and stored.authorship.level is PROVEN.level
    assert 'From: "ann via Town"' in sent(world)[BOB]
