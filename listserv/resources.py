"""Where the files that ship beside the code are, in a checkout and in an installed wheel."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def templates_dir() -> Path:
    """The folder of all words we send."""
    packaged = _PACKAGE / "_templates"  # only there in an installed wheel
    return packaged if packaged.is_dir() else _PACKAGE.parent / "templates"


def config_example() -> Path:
    """The documented example configuration."""
    packaged = _PACKAGE / "_config.example.toml"
    return packaged if packaged.is_file() else _PACKAGE.parent / "config.example.toml"
