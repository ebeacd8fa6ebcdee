"""What we ship works outside the checkout: the wheel in an environment of its own.

The environment sees the packages that the tests themselves run with, so nothing is downloaded.
"""

import os
import subprocess
import sys
import sysconfig
import tarfile
import venv
import zipfile
from pathlib import Path

import pytest

CHECKOUT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted(
    path.relative_to(CHECKOUT / "templates").as_posix()
    for path in (CHECKOUT / "templates").rglob("*")
    if path.is_file() and path.name[0] != "."
)
# Nothing of the caller's Python settings; PATH finds tar.
ENVIRONMENT = {"PATH": os.environ["PATH"], "LC_ALL": "C"}


def run(*command: str | Path, cwd: Path) -> str:
    """What the command prints; its errors are the failure's text."""
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, env=ENVIRONMENT)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sdist, and the wheel that was built from it."""
    folder = tmp_path_factory.mktemp("built")
    run(sys.executable, "-m", "hatchling", "build", "-d", folder, "-t", "sdist", cwd=CHECKOUT)
    (sdist,) = folder.glob("*.tar.gz")
    run("tar", "xzf", sdist, cwd=folder)
    source = folder / sdist.name.removesuffix(".tar.gz")
    run(sys.executable, "-m", "hatchling", "build", "-d", folder, "-t", "wheel", cwd=source)
    return folder


@pytest.fixture(scope="module")
def installed(built: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The bin folder of an environment with the wheel."""
    home = tmp_path_factory.mktemp("installed")
    venv.create(home, with_pip=True)
    (wheel,) = built.glob("*.whl")
    pip = (home / "bin" / "pip", "--disable-pip-version-check", "install")
    run(*pip, "--no-deps", "--no-index", wheel, cwd=home)
    (packages,) = home.glob("lib/python*/site-packages")
    # A path file inside a folder that a path file names is not read: the checkout stays unseen.
    ours = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    (packages / "dependencies.pth").write_text("\n".join(sorted(ours)) + "\n")
    return home / "bin"


def test_the_wheel_renders_every_template(installed: Path, tmp_path: Path) -> None:
    script = Path(__file__).with_name("render_all.py").read_text()
    imported, *rendered = run(installed / "python", "-c", script, cwd=tmp_path).splitlines()
    assert Path(imported).is_relative_to(installed.parent)
    assert rendered == TEMPLATES


def test_the_wheel_prints_the_example(installed: Path, tmp_path: Path) -> None:
    printed = run(installed / "listserv", "config", "example", cwd=tmp_path)
    assert printed == (CHECKOUT / "config.example.toml").read_text()


def test_the_wheel_makes_a_configuration_and_a_database(installed: Path, tmp_path: Path) -> None:
    run(installed / "listserv", "init", tmp_path / "new", "--domain", "lists.test", cwd=tmp_path)
    command = (installed / "listserv", "--config", tmp_path / "new" / "listserv.toml", "list")
    run(*command, "create", "town@lists.test", cwd=tmp_path)
    assert '"town@lists.test"' in run(*command, "ls", "--json", cwd=tmp_path)


def test_the_wheel_holds_the_package_and_what_it_reads(built: Path) -> None:
    (wheel,) = built.glob("*.whl")
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    code = [
        path.relative_to(CHECKOUT).as_posix()
        for path in (CHECKOUT / "listserv").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    ]
    words = [f"listserv/_templates/{name}" for name in TEMPLATES]
    kept = {name for name in names if not Path(name).name.startswith(".")}
    assert kept == {*code, *words, "listserv/_config.example.toml"}


def test_the_sdist_holds_what_a_clone_does(built: Path) -> None:
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {
        "LICENSE", "README.md", "CHANGELOG.md", "config.example.toml", "constraints.txt",
        "pyproject.toml", "systemd/listserv.service", "docs/flow.md", "tests/test_config.py",
    } <= names  # fmt: skip
    assert not [name for name in names if "/.venv" in f"/{name}" or "__pycache__" in name]
