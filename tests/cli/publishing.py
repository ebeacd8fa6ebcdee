"""An installation at two domains, and a DNS server on loopback that publishes what it is told."""

import re
from dataclasses import dataclass
from pathlib import Path

from tests.cli.shell import DOMAIN, Shell
from tests.dns import DnsServer

OTHER = "lists.example"
# The address of this machine, as the DNS has it.
HERE = "192.0.2.25"


@dataclass(frozen=True)
class Publisher:
    """`shell` runs commands; `dns` is whom they ask."""

    shell: Shell
    dns: DnsServer

    def publish(self) -> None:
        """What an operator does with what `listserv dns` prints, and nothing else."""
        self.dns.forget()
        self.dns.add(DOMAIN, "A", HERE)
        for line in self.shell.ok("dns").splitlines():
            record = re.fullmatch(r"(\S+)\. IN (MX|TXT) (.*)", line)
            if record is not None:
                value = record[3]
                if record[2] == "TXT":
                    value = "".join(re.findall(r'"([^"]*)"', value))
                self.dns.add(record[1], record[2], value)


def configure(folder: Path, dns: DnsServer, more: str = "") -> Shell:
    """An installation that asks `dns`; its mail ends in a Maildir."""
    config = folder / "listserv.toml"
    config.write_text(
        f'[site]\ndomain = "{DOMAIN}"\noperator = "eve@{DOMAIN}"\n'
        f'[storage]\ndatabase = "sqlite:///{folder / "listserv.db"}"\n'
        f'[relay]\nkind = "maildir"\npath = "{folder / "Maildir"}"\n'
        f'[dns]\nservers = ["{dns.address}"]\n'
        f'[[domain]]\nname = "{OTHER}"\noperator = "eve@{OTHER}"\n{more}'
    )
    return Shell(config)
