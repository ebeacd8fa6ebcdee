"""Run by the Python of an environment that has the wheel: renders every text there is.

Prints where listserv was imported from, then the name of each file. What a template is given
is any value at all: this shows that the files are there and sound, not what they say.
"""

from collections.abc import Iterator

from jinja2 import Environment, meta, nodes

import listserv
from listserv.resources import (
    JinjaTemplates,
    config_example,
    is_template,
    read_phrases,
    templates_dir,
)


class Anything:
    """A text, a number, a moment, a sequence of two, with every attribute and method."""

    month = hour = minute = 1

    def weekday(self) -> int:
        return 1

    def time(self) -> "Anything":
        return self

    def __sub__(self, other: object) -> int:
        return 1

    def __str__(self) -> str:
        return "anything"

    def __getattr__(self, name: str) -> "Anything":
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __call__(self, *arguments: object) -> "Anything":
        return self

    def __iter__(self) -> Iterator["Anything"]:
        return iter([Anything(), Anything()])

    def __len__(self) -> int:
        return 2

    def __int__(self) -> int:
        return 1

    def __float__(self) -> float:
        return 1.0

    def __gt__(self, other: object) -> bool:
        return True

    def __lt__(self, other: object) -> bool:
        return False


def rows_for(tree: nodes.Template) -> dict[str, object]:
    """Rows for each variable that a loop takes apart."""
    values: dict[str, object] = {}
    for loop in tree.find_all(nodes.For):
        if isinstance(loop.target, nodes.Tuple) and isinstance(loop.iter, nodes.Name):
            values[loop.iter.name] = [tuple(Anything() for _ in loop.target.items)]
    return values


def main() -> None:
    print(listserv.__file__)
    templates, root = JinjaTemplates(), templates_dir()
    environment = Environment(autoescape=True)
    environment.filters |= dict.fromkeys(("day", "moment", "clock", "figures"), str)
    found = sorted(path for path in root.rglob("*") if path.is_file() and path.name[0] != ".")
    trees = {path: environment.parse(path.read_text("utf-8")) for path in found}
    variables = set().union(*map(meta.find_undeclared_variables, trees.values()))
    for path, tree in trees.items():
        language = path.parent.name if path.parent != root else "en"
        values = {variable: Anything() for variable in variables} | rows_for(tree)
        if is_template(path):
            assert templates.render(path.name, values, language)
        for key in [] if is_template(path) else read_phrases(path.parent):
            assert templates.phrase(key, values, language)
        print(path.relative_to(root).as_posix())
    assert config_example().read_text().startswith("#")


main()
