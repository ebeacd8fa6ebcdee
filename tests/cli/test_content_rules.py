"""list set content_rules: a file is taken when it is sound, and what is wrong is said by line."""

from pathlib import Path

import pytest
from sqlalchemy import Update, update

from listserv.store import lists, posts
from listserv.store.tables import PostRow
from tests.cli.shell import Shell

FOR_SALE = 'when body has any of "for sale" then hold "advert?"\n'


@pytest.fixture
def folder(town: Shell) -> Path:
    """Where rules stand by default."""
    rules = town.config.with_name("rules")
    rules.mkdir()
    return rules


def setting(town: Shell) -> str:
    return str(town.json("list", "show", "town")["content_rules"])


def test_a_sound_file_is_taken_and_put_away_again(town: Shell, folder: Path) -> None:
    (folder / "town.txt").write_text(FOR_SALE)
    town.ok("list", "set", "town", "content_rules=town.txt")
    assert setting(town) == "town.txt"
    assert "a content rule of the list says" in town.ok("rules", "town")
    town.post("bob@x.test", "Hello", "A bike for sale")
    assert town.json("held", "ls")[0]["reasons"] == ["a content rule of the list says: advert?"]
    town.ok("list", "set", "town", "content_rules=")
    assert "a content rule of the list says" not in town.ok("rules", "town")
    town.post("bob@x.test", "Hello again", "A bike for sale")
    assert len(town.json("held", "ls")) == 1


REFUSED = [
    (FOR_SALE + "when", "town.txt: line 2: "),
    ("when post has link then answer author with a.txt", "a.txt: cannot be read: No such file"),
    (b"\xff", "town.txt: is not a text in UTF-8"),
    ("#" * 5_000_000, "town.txt: is larger than 4096 kB"),
    (None, "town.txt: cannot be read: No such file"),
]


@pytest.mark.parametrize(("text", "says"), REFUSED, ids=range(len(REFUSED)))
def test_a_file_that_is_missing_or_wrong_is_refused_with_its_line(
    town: Shell, folder: Path, text: str | bytes | None, says: str
) -> None:
    if text is not None:
        octets = text if isinstance(text, bytes) else text.encode()
        (folder / "town.txt").write_bytes(octets)
    assert says in town.refused("list", "set", "town", "content_rules=town.txt")
    assert setting(town) == ""


ANSWERS = [("", "is empty"), ("$address", "has $address"), ("$", "has a $ that names nothing")]


@pytest.mark.parametrize(("text", "says"), ANSWERS)
def test_an_answer_is_checked_when_the_rules_are_set(
    town: Shell, folder: Path, text: str, says: str
) -> None:
    (folder / "town.txt").write_text("when post has link then answer author with a.txt")
    (folder / "a.txt").write_text(text)
    said = town.refused("list", "set", "town", "content_rules=town.txt")
    assert f"{folder / 'a.txt'}: {says}" in said


OUTSIDE = [
    "/etc/passwd",
    "../listserv.toml",
    "a/../../listserv.toml",
    ".hidden",
    "a//b",
    "a b",
    "~",
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_file_outside_of_the_folder_is_refused(town: Shell, folder: Path, name: str) -> None:
    said = town.refused("list", "set", "town", f"content_rules={name}")
    assert "is the path of a file in its folder" in said


@pytest.mark.parametrize("name", ["sub", "device"])
def test_what_is_no_file_is_refused(town: Shell, folder: Path, name: str) -> None:
    (folder / "sub").mkdir()
    (folder / "device").symlink_to("/dev/zero")
    said = town.refused("list", "set", "town", f"content_rules={name}")
    assert "is not a file" in said


def test_the_folder_is_the_configurations(town: Shell, tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "town.txt").write_text(FOR_SALE)
    before = town.config.read_text()
    town.config.write_text(before.replace("[site]\n", '[site]\nrules_dir = "elsewhere"\n'))
    town.ok("list", "set", "town", "content_rules=town.txt")
    town.config.write_text(before.replace("[site]\n", '[site]\nrules_dir = "nowhere"\n'))
    assert "site.rules_dir" in town.refused("list", "ls")


def test_the_test_shows_what_would_have_been_held_by_which_rule(town: Shell, folder: Path) -> None:
    town.post("bob@x.test", "One", "A bike for sale")
    town.post("bob@x.test", "Two", "Good morning.")
    town.post("bob@x.test", "Three", "end it all")
    town.post("bob@x.test", "Four", "see https://x.test")
    town.post("bob@x.test", "Five", "see https://x.test, " + "a" * 50_000 + "!")
    (folder / "town.txt").write_text(
        FOR_SALE + 'when body has any of "end it all" then urgent, answer author with crisis.txt\n'
        'when author is new and post has link then hold "first link"\n'
        'when body matches /(a+)+$/ then hold "a"\n'
    )
    (folder / "crisis.txt").write_text("Call.")
    town.ok("list", "set", "town", "content_rules=town.txt")

    said = town.json("rules", "town", "--test")
    rows = [(row["subject"], row["rule"], row["would"], row["slow"]) for row in said["posts"]]
    assert rows == [
        ("Five", "line 4", ["nothing: it takes longer than 0.1 s"], True),
        ("Three", "line 2", ["urgent", "answer author with crisis.txt"], False),
        ("One", "line 1", ['hold "advert?"'], False),
    ]
    assert {key: said[key] for key in ("searched", "gone", "held")} == {
        "searched": 5, "gone": 0, "held": 1,
    }  # fmt: skip
    text = town.ok("rules", "town", "--test")
    assert 'hold "advert?"' in text and "bob@x.test" in text
    assert text.endswith(
        "5 of the last posts searched with town.txt, 1 would have been held; the text of 0 more is"
        " gone by retention\n"
    )
    assert town.json("held", "ls") == [] and town.json("queue", "ls") != []


def test_the_test_counts_who_was_new_then_and_posts_whose_bytes_are_gone(
    town: Shell, folder: Path
) -> None:
    town.ok("list", "set", "town", "new_member_posts=2")
    for subject in ("One", "Two", "Three"):
        town.post("bob@x.test", subject, "see https://x.test")
    (folder / "town.txt").write_text(
        'when author is new and post has link then hold "first link"\n'
    )
    town.ok("list", "set", "town", "content_rules=town.txt")
    said = town.json("rules", "town", "--test")
    assert [row["subject"] for row in said["posts"]] == ["Two", "One"]

    with town.app() as app:
        app.store.write(lambda tx: tx.execute(text_of_the_first_post_goes()).close())
    said = town.json("rules", "town", "--test")
    assert [row["subject"] for row in said["posts"]] == ["Two"]
    assert (said["searched"], said["gone"], said["held"]) == (2, 1, 1)


def text_of_the_first_post_goes() -> Update:
    return update(PostRow).where(PostRow.subject == "One").values(raw_id=None)


def test_only_the_last_posts_are_tested(town: Shell, folder: Path) -> None:
    town.ok("list", "set", "town", "posting=anyone")
    (folder / "town.txt").write_text(FOR_SALE)
    town.ok("list", "set", "town", "content_rules=town.txt")
    assert town.json("rules", "town", "--test")["searched"] == 0
    with town.app() as app:
        mlist = app.store.read(lambda tx: lists.find(tx, "town"))
        for number in range(3):
            town.post("bob@x.test", f"Post {number}")
        found = app.store.read(lambda tx: posts.recent(tx, mlist.id, 2))
        kept = [app.store.read(lambda tx: posts.get(tx, one)) for one in found]  # noqa: B023
        assert [one.subject for one in kept] == ["Post 2", "Post 1"]


def test_the_test_needs_rules_and_a_list(town: Shell, folder: Path) -> None:
    assert "has no content rules" in town.refused("rules", "town", "--test")
    assert "one LIST" in town.misused("rules", "--test")
    assert "one LIST" in town.misused("rules", "town", "--test", "--trust")
    assert "--json goes with --test" in town.misused("rules", "town", "--json")
    (folder / "town.txt").write_text(FOR_SALE)
    town.ok("list", "set", "town", "content_rules=town.txt")
    (folder / "town.txt").write_text("when")
    assert "town.txt: line 1: " in town.refused("rules", "town", "--test")
