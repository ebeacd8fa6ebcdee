"""Conversations: what a message says it answers, and what an answer to it is to say."""

from hypothesis import given
from hypothesis import strategies as st

from listserv.mail.parse import parse
from listserv.mail.references import MAX_PARENTS, MAX_REFERENCES, references
from tests.mail.building import a_post

IDS = st.integers(0, 200).map(lambda number: f"<{number}@example.org>")


def test_the_nearest_stands_last_and_each_once() -> None:
    post = parse(
        a_post("References: <a@x.y>\n <b@x.y>\t<a@x.y>", "In-Reply-To: <b@x.y> (Ann) <c@x.y>")
    )
    assert post.parents == ("<a@x.y>", "<b@x.y>", "<c@x.y>")
    assert parse(a_post("In-Reply-To: your mail of <Monday>")).parents == ("<Monday>",)
    assert parse(a_post("References: <a b> <> <\x01@x>")).parents == ()


def test_of_very_many_the_nearest_are_read() -> None:
    many = "\n ".join(f"<{number}@example.org>" for number in range(3000))
    found = parse(a_post(f"References: {many}")).parents
    assert len(found) == MAX_PARENTS and found[-1] == "<2999@example.org>"


@given(st.lists(IDS, unique=True, max_size=60), IDS)
def test_an_answer_names_the_beginning_and_what_came_last(before: list[str], last: str) -> None:
    chain = references(before, last)
    others = [one for one in before if one != last]
    assert chain[-1] == last and len(chain) <= MAX_REFERENCES and len(set(chain)) == len(chain)
    assert [one for one in others if one in chain] == list(chain[:-1])
    assert chain[0] == (others or [last])[0]
    assert references(chain[:-1], last) == chain


def test_what_has_no_message_id_is_in_no_conversation() -> None:
    assert references(["<a@x.y>"], "") == references(["<a@x.y>"], "12345") == ()
