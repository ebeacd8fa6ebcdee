"""Run by the Python of an environment that has the wheel: renders every template there is.

Prints where listserv was imported from, then the name of each template. What a template is given
is any value at all: this shows that the files are there and sound, not what they say.
"""

from collections.abc import Iterator

from jinja2 import Environment, meta

import listserv
from listserv.resources import JinjaTemplates, config_example, is_template, templates_dir


class Anything:
    """A text, a number, a sequence of two, with every attribute and method."""

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

    def __int__(self) -> int:
        return 1

    def __float__(self) -> float:
        return 1.0

    def __gt__(self, other: object) -> bool:
        return True

    def __lt__(self, other: object) -> bool:
        return False


def main() -> None:
    print(listserv.__file__)
    templates = JinjaTemplates()
    environment = Environment(autoescape=True)
    found = sorted(path.name for path in templates_dir().iterdir() if is_template(path))
    sources = {name: environment.parse((templates_dir() / name).read_text()) for name in found}
    variables = set().union(*(meta.find_undeclared_variables(s) for s in sources.values()))
    for name in found:
        assert templates.render(name, {variable: Anything() for variable in variables})
        print(name)
    assert config_example().read_text().startswith("#")


main()
