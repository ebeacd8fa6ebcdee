"""constraints.txt pins all that a clone installs, by name and version and nothing else."""

import itertools
import re
import tomllib
from importlib.metadata import distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LINES = [
    line
    for line in (ROOT / "constraints.txt").read_text().splitlines()
    if line and not line.startswith("#")
]
PINNED = {canonicalize_name(name): pin for name, _, pin in (line.partition("==") for line in LINES)}


def add_needed(requirement: Requirement, found: set[tuple[str, str]]) -> None:
    """Adds what a requirement brings along here, itself included, as (name, extra)."""
    name = canonicalize_name(requirement.name)
    for extra in ("", *requirement.extras):
        if (name, extra) not in found:
            found.add((name, extra))
            for inner in map(Requirement, distribution(name).requires or ()):
                if inner.marker is None or inner.marker.evaluate({"extra": extra}):
                    add_needed(inner, found)


def test_a_line_is_a_name_and_a_version() -> None:
    assert [line for line in LINES if not re.fullmatch(r"[\w.-]+==[0-9.]+", line)] == []
    assert len(PINNED) == len(LINES)


def test_everything_that_is_needed_is_pinned() -> None:
    extras = PROJECT["project"]["optional-dependencies"].values()
    wanted = [*PROJECT["project"]["dependencies"], *itertools.chain(*extras)]
    found: set[tuple[str, str]] = set()
    for requirement in map(Requirement, wanted):
        if requirement.name != "listserv":
            add_needed(requirement, found)
    assert {name for name, _ in found} == PINNED.keys()


def test_the_build_backend_is_pinned_alike() -> None:
    pin = PINNED[canonicalize_name("hatchling")]
    assert PROJECT["build-system"]["requires"] == [f"hatchling=={pin}"]
