"""The fields of a form as page-fields.html draws them, with labels, hints and what is wrong in the
words of phrases.toml: [field], [hint], [choice]."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from listserv.mail.notices import Templates
from listserv.web.forms import Form

# Before the name of a field: what it was when the form was shown.
WAS = "was-"


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several values."""

    value: str
    label: str
    chosen: bool = False


@dataclass(frozen=True, slots=True)
class Field:
    """`kind`: text, email or long (a text of several lines); one (radio buttons), many (check
    boxes) or list (a drop-down) of its `choices`. `was` is sent along, None where nothing is.
    `fills` is what a browser may fill in (autocomplete of HTML)."""

    name: str
    kind: str
    label: str
    value: str = ""
    hint: str = ""
    wrong: str = ""
    choices: tuple[Choice, ...] = ()
    was: str | None = None
    fills: str = "off"
    needed: bool = False


class Words:
    """Phrases in one language."""

    def __init__(self, templates: Templates, language: str) -> None:
        self._templates = templates
        self._language = language

    def __call__(self, key: str, **values: object) -> str:
        return self._templates.phrase(key, values, self._language)


def field(
    words: Words,
    name: str,
    kind: str,
    value: str,
    *,
    choices: Iterable[tuple[str, str]] = (),
    hint: str = "",
    was: str | None = None,
    fills: str = "off",
    needed: bool = False,
) -> Field:
    """A field with its label; of `choices`, (value, label), those are chosen that `value` names."""
    chosen = set(value.split(",")) if kind == "many" else {value}
    return Field(
        name, kind, words(f"field.{name.replace('_', '-')}"), value, hint, "",
        tuple(Choice(one, label, one in chosen) for one, label in choices), was, fills, needed,
    )  # fmt: skip


def with_wrong(
    fields: Iterable[Field], wrong: Mapping[str, str], say: Callable[[str], str]
) -> tuple[Field, ...]:
    """The same fields, with what is wrong in each: `wrong` names phrases."""
    return tuple(
        replace(one, wrong=say(wrong[one.name])) if one.name in wrong else one for one in fields
    )


def sent(form: Form, names: Iterable[str]) -> dict[str, str]:
    """What came back of those fields that were there; of check boxes all, with commas between."""
    given = {}
    for name in names:
        all_of = form.all(name)
        # Of check boxes nothing comes when none is chosen.
        if all_of or form.all(f"{WAS}{name}"):
            given[name] = ",".join(filter(None, all_of))
    return given


def before(form: Form, names: Iterable[str]) -> dict[str, str]:
    """What those fields were when the form was shown."""
    return {name: form.first(f"{WAS}{name}") for name in names if form.all(f"{WAS}{name}")}
