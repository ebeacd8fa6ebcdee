"""list set content_rules: a file is taken when it is sound, and what is wrong is said by line."""

from pathlib import Path

import pytest

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
