"""How an answer to commands reads: what is so now, and one next step."""

import pytest

from listserv.domain.lists import MailingList
from tests.flow.letters import ANN, MO, send, the_letter
from tests.flow.world import World

MORE = "reply to this mail with one word: HELP"
OURS = "What became of your mail to Our Town"


@pytest.fixture
def town(world: World) -> MailingList:
    """Ann gets the digest, Mo owns the list."""
    mlist = world.found("town", title="Our Town")
    world.join(mlist, ANN, "digest")
    world.join(mlist, MO, role="owner")
    return mlist


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("set town nomail", "this is set: no mail, until BACK ends that."),
        (
            "set town digest text",
            "posts together, in a digest, each day; the digest is plain text.",
        ),
        ("set town mail nodigest", "this is set: each post by itself."),
        ("set town digest", "this is set: posts together, in a digest, each day. The next"),
        ("break until 2027-06-01", "until 1 June 2027, or until you send BACK."),
    ],
)
def test_what_is_set_is_said_as_it_is_now(
    world: World, town: MailingList, line: str, says: str
) -> None:
    send(world, ANN, line)
    assert says in the_letter(world)


def test_an_owner_reads_of_a_member_what_the_member_reads(world: World, town: MailingList) -> None:
    send(world, MO, f"quiet set town nomail for {ANN}")
    assert f"For {ANN} on Our Town this is set: no mail, until BACK ends that." in the_letter(world)


@pytest.mark.parametrize(
    ("line", "offers"), [("set town ack", True), ("help", False), ("query", False)]
)
def test_help_is_offered_where_the_answer_does_not_say_itself_where_to_go_on(
    world: World, town: MailingList, line: str, offers: bool
) -> None:
    send(world, ANN, line)
    assert (MORE in the_letter(world)) is offers


@pytest.mark.parametrize("mark", ["Re", "AW", "Re: Fwd"])
def test_the_subject_of_ours_that_a_reply_carries_is_not_taken_for_a_line(
    world: World, town: MailingList, mark: str
) -> None:
    send(world, ANN, "It works nicely now.", subject=f"{mark}: {OURS}")
    told = the_letter(world)
    assert "> It works nicely now." in told
    assert f"> {OURS}" not in told
    send(world, ANN, "", subject=f"{mark}: query")
    assert "> QUERY town" in the_letter(world)


def test_a_subject_of_their_own_is_answered(world: World, town: MailingList) -> None:
    send(world, ANN, "", subject="How does it work?")
    assert "> How does it work?" in the_letter(world)
