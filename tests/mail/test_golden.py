"""Whole posts and their copies, byte for byte: tests/golden/NAME.in.eml and NAME.out.eml, with the
story and the list's settings in NAME.toml."""

import tomllib
from pathlib import Path

import pytest

from tests.mail.building import copy_of

GOLDEN = Path(__file__).parents[1] / "golden"
CASES = sorted(path.stem for path in GOLDEN.glob("*.toml"))


@pytest.mark.parametrize("name", CASES)
def test_a_post_becomes_the_copy_that_was_reviewed(
    name: str, request: pytest.FixtureRequest
) -> None:
    told = tomllib.loads((GOLDEN / f"{name}.toml").read_text(encoding="utf-8"))
    assert told["story"].strip()
    copy = copy_of((GOLDEN / f"{name}.in.eml").read_bytes(), **told.get("settings", {}))
    made = copy.head + b"\r\n" + copy.body
    expected = GOLDEN / f"{name}.out.eml"
    # Without a default: the option is there only when tests/mail is named on the command line.
    if request.config.getoption("--update-golden", default=False):
        expected.write_bytes(made)
    assert made == expected.read_bytes()


def test_every_golden_file_belongs_to_a_case() -> None:
    files = {path.name for path in GOLDEN.glob("*.eml")}
    assert files == {f"{name}.{end}.eml" for name in CASES for end in ("in", "out")}
