"""init: what it makes works as it is, and it never overwrites."""

import socket
from pathlib import Path

import pytest

from listserv import config
from tests.cli.shell import DOMAIN, Shell

# init reads no configuration.
NOWHERE = Shell(Path("/nowhere/listserv.toml"))


def test_init_makes_a_configuration_and_a_database_that_work(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "here"
    said = NOWHERE.ok("init", str(folder), "--domain", DOMAIN)
    made = config.load(folder / "listserv.toml")
    assert (made.site.domain, made.site.hostname) == (DOMAIN, DOMAIN)
    assert str(made.site.operator) == f"postmaster@{DOMAIN}"
    assert made.storage.database == f"sqlite:///{folder}/listserv.db"
    shell = Shell(folder / "listserv.toml")
    assert shell.ok("config", "check")
    shell.ok("list", "create", f"town@{DOMAIN}")
    assert said.endswith(shell.ok("dns"))
    for record in (f"{DOMAIN}. IN MX 10 {DOMAIN}.", '"v=spf1 ', '"v=DKIM1; ', '"v=DMARC1; '):
        assert record in said


def test_what_init_makes_signs(tmp_path: Path) -> None:
    NOWHERE.ok("init", str(tmp_path), "--domain", DOMAIN)
    (key,) = Shell(tmp_path / "listserv.toml").json("dkim", "ls")
    assert (key["domain"], key["turn"]) == (DOMAIN, "key")
    with Shell(tmp_path / "listserv.toml").app() as app:
        signer = app.site.signers(DOMAIN)
    assert signer is not None and (signer.domain, signer.selector) == (DOMAIN, key["selector"])


def test_what_init_makes_is_for_its_owner_only(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    NOWHERE.ok("init", str(folder), "--domain", DOMAIN)
    assert folder.stat().st_mode & 0o777 == 0o700
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}


def test_the_rest_is_the_example_word_for_word(tmp_path: Path) -> None:
    NOWHERE.ok("init", str(tmp_path), "--domain", DOMAIN)
    made = (tmp_path / "listserv.toml").read_text().splitlines()
    example = NOWHERE.ok("config", "example").splitlines()
    changed = [line for line, was in zip(made, example, strict=True) if line != was]
    assert [line.partition(" ")[0] for line in changed] == [
        "domain", "hostname", "operator", "database", "#",
    ]  # fmt: skip
    assert changed[-1] == f'# url = "https://{DOMAIN}"'


def test_an_existing_configuration_is_never_touched(tmp_path: Path) -> None:
    file = tmp_path / "listserv.toml"
    file.write_text("# mine\n")
    line = NOWHERE.refused("init", str(tmp_path), "--domain", DOMAIN)
    assert line == f"{file} is there already; nothing was changed"
    assert file.read_text() == "# mine\n"
    assert list(tmp_path.iterdir()) == [file]


def test_an_empty_configuration_is_filled(tmp_path: Path) -> None:
    (tmp_path / "listserv.toml").touch()
    NOWHERE.ok("init", str(tmp_path), "--domain", DOMAIN)
    assert config.load(tmp_path / "listserv.toml").site.domain == DOMAIN


def test_a_second_init_keeps_the_lists_of_the_database_and_the_key(tmp_path: Path) -> None:
    NOWHERE.ok("init", str(tmp_path), "--domain", DOMAIN)
    shell = Shell(tmp_path / "listserv.toml")
    shell.ok("list", "create", f"town@{DOMAIN}")
    key = shell.json("dkim", "ls")
    shell.config.unlink()
    NOWHERE.ok("init", str(tmp_path), "--domain", DOMAIN)
    assert [one["address"] for one in shell.json("list", "ls")] == [f"town@{DOMAIN}"]
    assert shell.json("dkim", "ls") == key


@pytest.mark.parametrize("domain", ["", "two words", "a..b", 'x"\ny = "', "\x00", "-"], ids=ascii)
def test_a_domain_that_is_none_is_refused_and_nothing_is_made(tmp_path: Path, domain: str) -> None:
    folder = tmp_path / "new"
    if domain:
        assert "site.domain" in NOWHERE.refused("init", str(folder), "--domain", domain)
        assert not folder.exists()
    else:  # as if it were not given
        NOWHERE.ok("init", str(folder), "--domain", domain)


def test_without_domain_it_is_the_name_of_this_machine(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number, (name, expected) in enumerate(
        {
            "mail.example.net": "mail.example.net",
            "localhost.localdomain": "lists.example.org",
            "box": "lists.example.org",
        }.items()
    ):
        monkeypatch.setattr(socket, "getfqdn", lambda name=name: name)
        folder = tmp_path / str(number)
        NOWHERE.ok("init", str(folder))
        assert config.load(folder / "listserv.toml").site.domain == expected


def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    for folder in (file, file / "below"):
        line = NOWHERE.refused("init", str(folder), "--domain", DOMAIN)
        assert str(file) in line
    assert file.read_bytes() == b""


def test_a_folder_with_odd_letters_works_or_is_refused_before_anything_is_made(
    tmp_path: Path,
) -> None:
    for name in ('quo"te', "back\\slash", "ümläut ß", "per%cent", "ques?tion", "new\nline"):
        folder = tmp_path / name
        done = NOWHERE.run("init", str(folder), "--domain", DOMAIN)
        if done.exit_code == 0:
            Shell(folder / "listserv.toml").ok("list", "create", f"town@{DOMAIN}")
            assert (folder / "listserv.db").stat().st_size > 0
        else:
            assert done.exit_code == 1 and not folder.exists()
