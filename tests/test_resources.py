"""The words we send: every template is sound and used, and the operator's own take their place."""

import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from listserv.domain.errors import ListservError
from listserv.resources import (
    JinjaTemplates,
    config_example,
    environment,
    is_template,
    templates_dir,
)

PACKAGE = Path(__file__).resolve().parents[1] / "listserv"
TEMPLATES = sorted(path.name for path in templates_dir().iterdir() if is_template(path))


def template_with_variable() -> tuple[str, str]:
    """A template of ours, and the first variable that it writes out."""
    for name in TEMPLATES:
        if found := re.search(r"\{\{ (\w+) \}\}", (templates_dir() / name).read_text("utf-8")):
            return name, found[1]
    raise AssertionError("no template writes out a variable")


@pytest.fixture
def own(tmp_path: Path) -> Path:
    """An operator's empty folder of templates."""
    return tmp_path


def test_a_checkout_reads_its_own_files() -> None:
    assert templates_dir() == PACKAGE.parent / "templates"
    assert config_example() == PACKAGE.parent / "config.example.toml"


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_parses(name: str) -> None:
    environment(templates_dir()).get_template(name)


@pytest.mark.parametrize("name", TEMPLATES)
def test_a_template_is_named_in_the_code_or_in_another_template(name: str) -> None:
    others = [path for path in templates_dir().iterdir() if path.name != name]
    stem = name.rpartition(".")[0]
    # A text and an HTML half are named together, without their endings.
    assert any(
        name in text or f'"{stem}"' in text
        for path in (*PACKAGE.rglob("*.py"), *others)
        for text in [path.read_text("utf-8")]
    )


def test_only_templates_are_in_their_folder() -> None:
    assert [
        path.name
        for path in templates_dir().iterdir()
        if not is_template(path) and not path.name.startswith(".")
    ] == []


def test_a_variable_without_a_value_is_an_error() -> None:
    name, variable = template_with_variable()
    with pytest.raises(UndefinedError, match=variable):
        JinjaTemplates().render(name, {})


def test_the_operators_file_takes_the_place_of_ours(own: Path) -> None:
    name = TEMPLATES[0]
    (own / name).write_text("Subject: Hallo\n\nGrüße\n", "utf-8")
    (own / "README").write_text("not a template")
    assert JinjaTemplates(own).render(name, {}) == "Subject: Hallo\n\nGrüße\n"


def test_a_value_is_never_a_template_itself(own: Path) -> None:
    name, variable = template_with_variable()
    (own / name).write_text("{{ " + variable + " }}")
    hostile = "{{ 7 * 7 }}<b>{% include 'x' %}"
    assert JinjaTemplates(own).render(name, {variable: hostile}) == hostile


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"{{ no_such_value }}", "no_such_value is not known here; there are: "),
        (b"one\n{% if %}", "line 2: "),
        (b"{% include '/etc/passwd' %}", "/etc/passwd is not known here"),
        (b"caf\xe9", "is not a text in UTF-8"),
    ],
)
def test_a_wrong_file_of_the_operator_is_named_at_the_start(
    own: Path, text: bytes, says: str
) -> None:
    name = TEMPLATES[0]
    (own / name).write_bytes(text)
    with pytest.raises(ListservError) as caught:
        JinjaTemplates(own)
    assert str(caught.value).startswith(f"{own / name}: {says}")


def test_a_file_that_would_never_be_used_is_named(own: Path) -> None:
    (own / "member-wellcome.txt").write_text("Hallo")
    with pytest.raises(ListservError, match=r"member-wellcome\.txt: there is no template"):
        JinjaTemplates(own)


def test_values_are_escaped_in_html_and_only_there(tmp_path: Path) -> None:
    for name in ("a.txt", "a.html"):
        (tmp_path / name).write_text("{{ x }}\n")
    words = environment(tmp_path)
    assert words.get_template("a.txt").render(x="<b>&") == "<b>&\n"
    assert words.get_template("a.html").render(x="<b>&") == "&lt;b&gt;&amp;\n"
