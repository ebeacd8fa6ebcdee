"""What becomes of a message that comes in, down to what the store keeps and who gets a copy."""

import pytest

from listserv.domain.authorship import UNCHECKED
from listserv.domain.decision import Verdict
from listserv.domain.post import Transport
from listserv.domain.tokens import Purpose, copy_token, own_message_id
from listserv.flow import moderate, recipient
from listserv.store import counters, held, lists, members, posts
from listserv.store.held import BY_RULE, HeldState
from tests.flow.world import DOMAIN, World, a_message

EVERYBODY = ["ann@example.org", "ben@example.org", "mo@example.com"]


@pytest.fixture
def town(world: World) -> str:
    """A list with three mail readers, one of them its moderator, a digest reader and one who
    wants no mail."""
    mlist = world.found("town", title="Town")
    world.join(mlist, "ann@example.org")
    world.join(mlist, "ben@example.org")
    world.join(mlist, "mo@example.com", role="moderator")
    world.join(mlist, "cleo@example.net", delivery="digest")
    world.join(mlist, "dan@example.net", delivery="nomail")
    return "town"


def latest(world: World, name: str) -> posts.StoredPost:
    mlist = world.store.read(lambda tx: lists.find(tx, name))
    post = world.store.read(lambda tx: posts.latest(tx, mlist.id))
    assert post is not None
    return post


def answer_to_rcpt(world: World, address: str, transport: Transport = Transport.SMTP) -> int:
    now = world.clock.now()
    return world.store.read(
        lambda tx: recipient.answer(tx, world.site, address, transport, now)
    ).code


def waiting_for_digest(world: World, name: str, key: str) -> int:
    mlist = world.store.read(lambda tx: lists.find(tx, name))
    member = world.store.read(lambda tx: members.by_key(tx, mlist.id, key))
    assert member is not None
    return world.store.read(lambda tx: members.waiting(tx, member))


def test_a_members_post_goes_to_every_mail_reader_and_waits_for_the_digest(
    world: World, town: str
) -> None:
    (reply,) = world.post("ann@example.org", town)

    assert reply.code == 250
    assert world.deliver() == EVERYBODY
    assert latest(world, town).number == 1
    assert waiting_for_digest(world, town, "cleo@example.net") == 1


def test_each_copy_has_a_return_path_of_its_own_that_names_its_recipient(
    world: World, town: str
) -> None:
    world.post("ann@example.org", town)
    world.deliver()

    senders = {copy.sender for copy in world.sent}
    assert len(senders) == 3
    assert all(s.startswith("town-bounces+") and s.endswith(f"@{DOMAIN}") for s in senders)
    answers = {answer_to_rcpt(world, sender) for sender in senders}
    assert answers == {250}


def test_a_strangers_post_is_held_and_goes_out_when_approved(world: World, town: str) -> None:
    (reply,) = world.post("zoe@example.net", town)

    assert reply.code == 250
    assert world.deliver() == []
    (waiting,) = world.store.read(held.ls)
    assert [reason.rule for reason in waiting.reasons] == ["stranger-hold"]
    now = world.clock.now()
    world.store.write(
        lambda tx: moderate.approve(tx, world.site, waiting.id, "mo@example.com", now)
    )
    assert world.deliver() == EVERYBODY
    assert latest(world, town).number == 1


def test_acceptance_numbers_follow_the_order_of_acceptance_not_of_arrival(
    world: World, town: str
) -> None:
    world.post("zoe@example.net", town)
    (waiting,) = world.store.read(held.ls)
    world.post("ann@example.org", town)
    now = world.clock.now()
    world.store.write(lambda tx: moderate.approve(tx, world.site, waiting.id, "mo", now))

    numbers = world.store.read(
        lambda tx: [
            posts.get(tx, waiting.post_id).number,
            posts.get(tx, waiting.post_id + 1).number,
        ]
    )
    assert numbers == [2, 1]


def test_the_same_message_again_is_answered_alike_and_nothing_happens_twice(
    world: World, town: str
) -> None:
    raw = a_message("ann@example.org", (f"town@{DOMAIN}",))
    first = world.post("ann@example.org", town, raw=raw)
    world.clock.pass_by(days=6)
    again = world.post("ann@example.org", town, raw=raw, sender="prvs=1234=ann@example.org")

    assert again == first
    assert world.deliver() == EVERYBODY


def test_after_a_week_the_same_message_is_a_new_post(world: World, town: str) -> None:
    raw = a_message("ann@example.org", (f"town@{DOMAIN}",))
    world.post("ann@example.org", town, raw=raw)
    world.deliver()
    world.clock.pass_by(days=7, seconds=1)
    world.post("ann@example.org", town, raw=raw)

    assert world.deliver() == EVERYBODY


def test_the_same_message_id_with_another_body_is_held(world: World, town: str) -> None:
    world.post("ann@example.org", town, message_id="<same@example.org>")
    world.deliver()
    world.post("ann@example.org", town, message_id="<same@example.org>", body="Another.")

    assert world.deliver() == []
    (waiting,) = world.store.read(held.ls)
    assert len(waiting.reasons) == 1


def test_thank_you_posted_twice_in_a_week_goes_out_twice(world: World, town: str) -> None:
    for _ in range(2):
        world.post("ann@example.org", town, subject="Thank you", body="Thank you")
        assert world.deliver() == EVERYBODY
        world.clock.pass_by(days=2)


def test_without_a_message_id_from_date_subject_and_body_tell_an_echo(
    world: World, town: str
) -> None:
    for _ in range(2):
        world.post("ann@example.org", town, message_id="")
    assert world.deliver() == EVERYBODY
    world.post("ann@example.org", town, message_id="", subject="Another")
    assert world.deliver() == EVERYBODY


def test_a_message_that_was_refused_is_no_original(world: World) -> None:
    mlist = world.found("news", nonmember="reject")
    raw = a_message("ann@example.org", (f"news@{DOMAIN}",))
    (refused,) = world.post("ann@example.org", "news", raw=raw)
    world.join(mlist, "ann@example.org")
    (accepted,) = world.post("ann@example.org", "news", raw=raw)

    assert (refused.code, accepted.code) == (550, 250)
    assert world.deliver() == ["ann@example.org"]


def test_a_refusal_over_lmtp_is_discarded_and_kept_to_look_at(world: World) -> None:
    world.found("news", nonmember="reject")
    (reply,) = world.post("zoe@example.net", "news", transport=Transport.LMTP, authorship=UNCHECKED)

    assert reply.code == 250
    assert world.deliver() == []
    assert world.store.read(held.ls) == []
    (kept,) = world.store.read(lambda tx: held.ls(tx, None, HeldState.DISCARDED))
    assert (kept.author, kept.decided_by) == ("zoe@example.net", BY_RULE)
    assert world.store.read(lambda tx: posts.raw(tx, kept.post_id)) is not None


def test_one_message_for_a_list_that_takes_it_and_one_that_refuses_is_held_there(
    world: World,
) -> None:
    world.found("news", nonmember="reject")
    world.found("fair", posting="anyone")
    replies = world.post("ann@example.org", "fair", "news", authorship=UNCHECKED)

    assert [reply.code for reply in replies] == [250, 250]
    assert world.deliver() == []
    assert latest(world, "fair").number == 1
    (waiting,) = world.store.read(held.ls)
    assert waiting.list_address == f"news@{DOMAIN}"


def test_a_person_on_two_lists_gets_the_copy_of_the_list_named_first(
    world: World, town: str
) -> None:
    other = world.found("country")
    world.join(other, "ann@example.org")
    world.join(other, "ben@example.org", delivery="digest")
    world.join(other, "eve@example.org")
    # The envelope names them the other way round: To counts.
    world.post("ann@example.org", town, "country", to=f"country@{DOMAIN}, town@{DOMAIN}")

    assert world.deliver() == ["ann@example.org", "eve@example.org", "mo@example.com"]
    by_list = {t.recipients[0]: t.sender.partition("-")[0] for t in world.sent}
    assert by_list["ann@example.org"] == "country"
    assert by_list["mo@example.com"] == "town"


def test_the_same_message_sent_to_a_second_list_much_later_reaches_everybody(
    world: World, town: str
) -> None:
    other = world.found("country")
    world.join(other, "ann@example.org")
    raw = a_message("ann@example.org", (f"town@{DOMAIN}", f"country@{DOMAIN}"))
    world.post("ann@example.org", town, raw=raw)
    world.deliver()
    world.clock.pass_by(hours=2)
    world.post("ann@example.org", "country", raw=raw)

    assert world.deliver() == ["ann@example.org"]


def test_who_wants_no_own_posts_or_no_duplicates_gets_none(world: World, town: str) -> None:
    mlist = world.store.read(lambda tx: lists.find(tx, town))
    world.join(mlist, "fay@example.org", own_posts=False)
    world.join(mlist, "gus@example.org", duplicates=False)
    both = f"town@{DOMAIN}, gus@example.org"
    world.post("fay@example.org", town, to=both)

    assert world.deliver() == EVERYBODY
    world.post("ann@example.org", town)
    assert world.deliver() == sorted([*EVERYBODY, "fay@example.org", "gus@example.org"])


def test_who_joined_after_a_post_was_accepted_does_not_get_it(world: World, town: str) -> None:
    mlist = world.store.read(lambda tx: lists.find(tx, town))
    world.post("ann@example.org", town)
    world.clock.pass_by(seconds=1)
    world.join(mlist, "late@example.org")

    assert world.deliver() == EVERYBODY


def test_automatic_replies_and_loops_are_counted_and_nothing_more(world: World, town: str) -> None:
    ours = own_message_id(world.site.secret, b"0123456789", DOMAIN)
    world.post("ann@example.org", town, sender="")
    world.post("ann@example.org", town, auto_submitted="auto-replied")
    world.post("ann@example.org", town, message_id=ours)
    world.post("ann@example.org", town, list_id=f"<town.{DOMAIN}>")

    assert world.deliver() == []
    assert world.store.read(held.ls) == []
    assert world.store.read(lambda tx: held.ls(tx, None, HeldState.DISCARDED)) == []
    hour_ago = world.clock.now().replace(hour=11)
    assert world.store.read(lambda tx: counters.total(tx, Verdict.DISCARD, hour_ago)) == 4


def test_the_eleventh_post_in_an_hour_is_held_and_owners_are_told_once(
    world: World, town: str
) -> None:
    mlist = world.store.read(lambda tx: lists.find(tx, town))
    world.join(mlist, "owner@example.org", delivery="nomail", role="owner")
    for number in range(10):
        world.post("ann@example.org", town, subject=f"No. {number}")
    assert "owner@example.org" not in world.deliver()
    for number in range(10, 13):
        world.post("ann@example.org", town, subject=f"No. {number}")

    assert world.deliver() == ["owner@example.org"]
    assert b"held" in world.last()
    assert len(world.store.read(held.ls)) == 3


def test_a_former_address_of_a_renamed_list_works_in_all_its_forms(world: World, town: str) -> None:
    mlist = world.store.read(lambda tx: lists.find(tx, town))
    world.store.write(lambda tx: lists.rename(tx, mlist.id, "city", DOMAIN))
    world.post("ann@example.org", "town")

    assert world.deliver() == EVERYBODY
    token = copy_token(world.site.secret, Purpose.BOUNCES, 1, 1)
    for name in ("town", "city"):
        assert answer_to_rcpt(world, f"{name}-bounces+{token}@{DOMAIN}") == 250


@pytest.mark.parametrize(
    ("address", "over_smtp", "over_lmtp"),
    [
        ("town@lists.example.org", 250, 250),
        ("TOWN@LISTS.example.org", 250, 250),
        ("nothing@lists.example.org", 550, 550),
        ("town-moderate+garbage@lists.example.org", 550, 250),
        ("town-bounces+garbage@lists.example.org", 550, 250),
        ("town+nothing@lists.example.org", 550, 250),
        ('"town+a b"@lists.example.org', 550, 250),
        ('"town+a b@LISTS.example.org', 553, 250),
        (f"town+{'x' * 90}@lists.example.org", 553, 250),
        (f"town+{'+' * 2000}@lists.example.org", 553, 250),
        (f"nothing+{'x' * 90}@lists.example.org", 553, 553),
        ("postmaster@lists.example.org", 250, 250),
        ("town-owner@lists.example.org", 250, 250),
        ("town-request@lists.example.org", 250, 250),
        ("listserv-bounces+garbage@lists.example.org", 550, 250),
        ("town@elsewhere.example.org", 550, 550),
        ("x%elsewhere@lists.example.org", 550, 550),
        ('"x@elsewhere"@lists.example.org', 550, 550),
        ("@lists.example.org:x@elsewhere", 553, 553),
    ],
)
def test_recipients_are_answered_so_that_nothing_is_relayed_and_nothing_bounces(
    world: World, town: str, address: str, over_smtp: int, over_lmtp: int
) -> None:
    answers = [answer_to_rcpt(world, address, way) for way in (Transport.SMTP, Transport.LMTP)]
    assert answers == [over_smtp, over_lmtp]


def test_a_bounce_and_a_meaningless_sub_address_are_taken_and_change_nothing(
    world: World, town: str
) -> None:
    token = copy_token(world.site.secret, Purpose.BOUNCES, 1, 1)
    for local in (f"town-bounces+{token}", "town-moderate+garbage"):
        (reply,) = world.post(
            "mailer-daemon@example.org", local, sender="", transport=Transport.LMTP
        )
        assert reply.code == 250
    assert world.deliver() == []
    assert world.store.read(held.ls) == []
