"""The words we send: every template is sound and used, and the operator's own take their place."""

import re
from datetime import date
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from listserv.domain.errors import ListservError
from listserv.domain.languages import ENGLISH, LANGUAGES
from listserv.resources import (
    PHRASES,
    JinjaTemplates,
    config_example,
    environment,
    is_template,
    templates_dir,
)

PACKAGE = Path(__file__).resolve().parents[1] / "listserv"
OTHERS = [language for language in LANGUAGES if language != ENGLISH]
TEMPLATES = sorted(path.name for path in templates_dir().iterdir() if is_template(path))


# A phrase without variables, in each language.
PHRASE = "month.3"


def template_with_variable() -> tuple[str, str]:
    """A template of ours, and the variable that its subject writes out."""
    for name in TEMPLATES:
        text = (templates_dir() / name).read_text("utf-8")
        if found := re.match(r"Subject: [^{\n]*\{\{ (\w+) \}\}", text):
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
def test_a_template_is_named_in_the_code_or_in_another_template(name: str) -> None:
    others = [path for path in templates_dir().rglob("*.*") if path.name != name]
    stem = name.rpartition(".")[0]
    # A text and an HTML half are named together, without their endings.
    assert any(
        name in text or f'"{stem}"' in text
        for path in (*PACKAGE.rglob("*.py"), *others)
        for text in [path.read_text("utf-8")]
    )


def test_only_templates_are_in_their_folder() -> None:
    files = [path for path in templates_dir().rglob("*") if path.name[0] != "."]
    others = {path.relative_to(templates_dir()) for path in files if not is_template(path)}
    folders = [Path(language) for language in OTHERS]
    assert others == {Path(PHRASES), *folders, *(folder / PHRASES for folder in folders)}


def test_a_variable_without_a_value_is_an_error() -> None:
    name, variable = template_with_variable()
    with pytest.raises(UndefinedError, match=variable):
        JinjaTemplates().render(name, {})


def test_the_operators_file_takes_the_place_of_ours(own: Path) -> None:
    name = TEMPLATES[0]
    (own / name).write_text("Subject: Hallo\n\nGrüße\n", "utf-8")
    (own / "README").write_text("not a template")
    assert JinjaTemplates(own).render(name, {}) == "Subject: Hallo\n\nGrüße\n"


@pytest.mark.parametrize(
    ("language", "march", "says"),
    [("en", "March", "1 March 2026"), ("de", "März", "1. März 2026")],
)
def test_each_language_has_its_words(own: Path, language: str, march: str, says: str) -> None:
    assert JinjaTemplates().phrase(PHRASE, {}, language) == march
    (own / "author-refused.txt").write_text("{{ subject | day }}\n")
    (own / "de").mkdir()
    (own / "de" / "author-refused.txt").write_text("{{ subject | day }}\n")
    day = {"subject": date(2026, 3, 1)}
    assert JinjaTemplates(own).render("author-refused.txt", day, language) == f"{says}\n"


def test_what_the_operator_says_in_one_language_is_not_said_in_another(own: Path) -> None:
    ours, name = JinjaTemplates(), "part-left-out.txt"
    values = {"size": "1 kB", "type": "image/png"}
    (own / name).write_text("No {{ size }}.")
    (own / PHRASES).write_text('[month]\n3 = "march"\n')
    theirs = JinjaTemplates(own)
    assert theirs.render(name, values) == "No 1 kB."
    assert theirs.render(name, values, "de") == ours.render(name, values, "de")
    assert theirs.phrase(PHRASE, {}) == "march"
    assert theirs.phrase(PHRASE, {}, "de") == "März"
    assert theirs.phrase("month.4", {}) == "April"
    (own / "de").mkdir()
    (own / "de" / name).write_text("Ohne {{ size }}.")
    (own / "de" / PHRASES).write_text('[month]\n3 = "Lenz"\n')
    theirs = JinjaTemplates(own)
    assert theirs.render(name, values, "de") == "Ohne 1 kB."
    assert theirs.phrase(PHRASE, {}, "de") == "Lenz"
    assert (theirs.render(name, values), theirs.phrase(PHRASE, {})) == ("No 1 kB.", "march")


def test_a_phrase_that_is_not_there_or_lacks_a_value_is_an_error() -> None:
    with pytest.raises(KeyError):
        JinjaTemplates().phrase("month.13", {})
    with pytest.raises(UndefinedError, match="domain"):
        JinjaTemplates().phrase("sender.domain", {})


def test_a_value_of_a_phrase_is_no_template() -> None:
    hostile = "{{ 7 * 7 }}{% include 'x' %}"
    said = JinjaTemplates().phrase("sender.domain", {"domain": hostile})
    assert said == f"Mailing lists at {hostile}"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (b"[month", "phrases.toml: Expected"),
        (b"[month]\n3 = 3\n", "phrases.toml: month is not a table of phrases"),
        (b'month = "x"\n', "phrases.toml: month is not a table of phrases"),
        (b'[month]\n13 = "x"\n', "phrases.toml: there is no phrase month.13 to replace"),
        (b'[month]\n3 = "{{ x }}"\n', "phrases.toml: month.3: x is not known here"),
        (b'[month]\n3 = "{{ x"\n', "phrases.toml: month.3: line 1: "),
        (b'[month]\n3 = "{{ 1 | dya }}"\n', "phrases.toml: month.3: line 1: No filter named"),
        (b'[month]\n3 = "\xe9"\n', "phrases.toml: is not a text in UTF-8"),
    ],
)
@pytest.mark.parametrize("folder", ["", "de"])
def test_a_wrong_phrase_of_the_operator_is_named_at_the_start(
    own: Path, folder: str, text: bytes, says: str
) -> None:
    (own / folder).mkdir(exist_ok=True)
    (own / folder / PHRASES).write_bytes(text)
    with pytest.raises(ListservError) as caught:
        JinjaTemplates(own)
    assert str(caught.value).startswith(f"{own / folder}/{says}")


@pytest.mark.parametrize("folder", ["fr", "en"])
def test_a_folder_for_a_language_that_there_is_not_is_named(own: Path, folder: str) -> None:
    (own / ".git").mkdir()
    JinjaTemplates(own)
    (own / folder).mkdir()
    with pytest.raises(ListservError, match=f"{folder}: there is no such language; English words"):
        JinjaTemplates(own)


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
