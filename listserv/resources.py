"""Where the files that ship beside the code are, in a checkout and in an installed wheel; and the
words we send, filled in by jinja2.

User text is never a template: it goes in as the value of a variable. Templates are ours and, where
the operator wants other words, a file of the same name in site.templates_dir.
"""

from collections.abc import Mapping
from pathlib import Path

from jinja2 import (
    ChoiceLoader,
    Environment,
    FileSystemLoader,
    StrictUndefined,
    TemplateSyntaxError,
    meta,
    select_autoescape,
)

from listserv.domain.errors import ListservError

_PACKAGE = Path(__file__).resolve().parent


def templates_dir() -> Path:
    """The folder of all words we send."""
    packaged = _PACKAGE / "_templates"  # only there in an installed wheel
    return packaged if packaged.is_dir() else _PACKAGE.parent / "templates"


def config_example() -> Path:
    """The documented example configuration."""
    packaged = _PACKAGE / "_config.example.toml"
    return packaged if packaged.is_file() else _PACKAGE.parent / "config.example.toml"


class JinjaTemplates:
    """The templates by name; a variable without a value is an error, not an empty place.

    The operator's files are checked here, where the operator sees what is wrong, and not when a
    notice is due: each stands for one of ours and uses the variables of that one.
    """

    def __init__(self, own: Path | None = None) -> None:
        folders = [own, templates_dir()] if own else [templates_dir()]
        self._environment = environment(*folders)
        if own:
            _check(own)

    def render(self, name: str, values: Mapping[str, object]) -> str:
        """The text of template `name`; in .html all values are escaped."""
        return self._environment.get_template(name).render(values)


def environment(*folders: Path) -> Environment:
    """What reads the templates in `folders`, those of an earlier one before those of a later."""
    return Environment(
        loader=ChoiceLoader([FileSystemLoader(folder) for folder in folders]),
        undefined=StrictUndefined,
        autoescape=select_autoescape(enabled_extensions=("html",), default=False),
        keep_trailing_newline=True,
    )


def is_template(path: Path) -> bool:
    """Whether a file in a folder of templates is one; editors leave others beside them."""
    return path.suffix in {".txt", ".html"}


def _check(own: Path) -> None:
    ours = {path.name: path for path in templates_dir().iterdir() if is_template(path)}
    for path in filter(is_template, own.iterdir()):
        if path.name not in ours:
            raise ListservError(f"{path}: there is no template of this name to replace")
        known, parts = _uses(ours[path.name])
        for part in parts:
            known |= _uses(ours[part])[0]
        used, included = _uses(path)
        if unknown := sorted(used - known) + sorted(included - parts):
            there = ", ".join(sorted(known | parts)) or "none"
            raise ListservError(f"{path}: {unknown[0]} is not known here; there are: {there}")


def _uses(template: Path) -> tuple[set[str], set[str]]:
    """The variables of a template, and the names of the templates that it includes."""
    try:
        tree = environment().parse(template.read_text("utf-8"))
    except OSError as wrong:
        raise ListservError(f"{template}: cannot be read: {wrong.strerror}") from None
    except UnicodeDecodeError:
        raise ListservError(f"{template}: is not a text in UTF-8") from None
    except TemplateSyntaxError as wrong:
        raise ListservError(f"{template}: line {wrong.lineno}: {wrong.message}") from None
    included = {str(other) for other in meta.find_referenced_templates(tree)}
    return meta.find_undeclared_variables(tree), included
