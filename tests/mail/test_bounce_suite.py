"""The reports of some hundred mail systems that flufl.bounce is tested with."""

import ast
import os
from collections import defaultdict
from functools import cache
from pathlib import Path

import pytest

from listserv.mail.reports import Action, read_report

# They come with its source, not with its wheel; .ci/run fetches them.
SUITE = os.environ.get("BOUNCE_SUITE", "")
Expected = set[tuple[str, Action]]


@cache
def expected() -> dict[str, Expected]:
    """Of each file the addresses that its own tests look for, and whether they are given up."""
    if not SUITE:
        return {}
    files: dict[str, Expected] = defaultdict(set)
    for _, name, addresses, is_temporary in _rows(Path(SUITE, "test_detectors.py").read_text()):
        action = Action.DELAYED if is_temporary else Action.FAILED
        files[name] |= {(address.decode().lower(), action) for address in addresses}
    return files


def _rows(source: str) -> list[tuple[str, str, list[bytes], bool]]:
    """The table DETECTORS: detector, file, addresses, temporary or not."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "DETECTORS":
            rows: list[tuple[str, str, list[bytes], bool]] = ast.literal_eval(node.value)
            return rows
    raise AssertionError("test_detectors.py has no table DETECTORS")


def test_the_reports_are_there() -> None:
    if not SUITE:
        if os.environ.get("CI"):
            pytest.fail("BOUNCE_SUITE names no folder: .ci/run fetches flufl.bounce's tests")
        pytest.skip("BOUNCE_SUITE names no folder")
    assert len(expected()) > 100


@pytest.mark.parametrize("name", sorted(expected()))
def test_who_is_not_reached_is_found(name: str) -> None:
    report = read_report(Path(SUITE, "data", name).read_bytes())
    found = {(str(f.recipient).lower(), f.action) for f in report if f.recipient}
    assert found == expected()[name]


@pytest.mark.parametrize("name", sorted(expected()))
@pytest.mark.parametrize("end", [b"\r\n", b"\r"], ids=["CR LF", "CR"])
def test_it_is_found_whatever_ends_its_lines(name: str, end: bytes) -> None:
    raw = Path(SUITE, "data", name).read_bytes()
    assert read_report(raw.replace(b"\n", end)) == read_report(raw)
