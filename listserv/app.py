"""Config -> App: the only place that wires."""

import secrets
from dataclasses import dataclass
from functools import cached_property

from listserv.clock import Clock, SystemClock
from listserv.config import Config
from listserv.domain.courier import Courier
from listserv.domain.errors import ListservError
from listserv.flow.deliver import Deliveries
from listserv.flow.site import Site
from listserv.resources import JinjaTemplates
from listserv.smtp.intake import FlowIntake
from listserv.smtp.relay import MaildirCourier, RelaySettings, SmtpCourier
from listserv.smtp.settings import ServerSettings
from listserv.store import schema, site
from listserv.store.session import Store
from listserv.workers.deliver import DeliveryWorker


@dataclass(frozen=True)
class App:
    """One installation, put together. What only `serve` needs is made when it is asked for."""

    config: Config
    store: Store
    clock: Clock

    @cached_property
    def site(self) -> Site:
        """What every flow knows."""
        config = self.config
        return Site(
            domains=frozenset({config.site.domain}),
            hostname=config.site.hostname,
            secret=self.store.read(site.secret),
            templates=JinjaTemplates(config.templates_dir),
            spam_header=config.spam.header,
            nonce=secrets.token_bytes,
        )

    @property
    def server_settings(self) -> ServerSettings:
        """For both listeners."""
        smtp = self.config.smtp
        return ServerSettings(
            hostname=self.config.site.hostname,
            max_message_bytes=smtp.max_message_bytes,
            trusted_mtas=smtp.trusted_mtas,
            tls_cert=smtp.tls_cert,
            tls_key=smtp.tls_key,
            domain=self.config.site.domain,
        )

    def intake(self) -> FlowIntake:
        """What the listeners ask."""
        return FlowIntake(self.store, self.site, self.clock)

    def courier(self) -> Courier:
        """Who carries our mail on."""
        relay = self.config.relay
        if relay.kind == "maildir":
            if relay.path is None:
                raise ListservError("relay.path is missing: the Maildir that mail is written into")
            return MaildirCourier(relay.path)
        return SmtpCourier(
            RelaySettings(
                host=relay.host,
                port=relay.port,
                hostname=self.config.site.hostname,
                tls=relay.tls,
                username=relay.username or None,
                password=relay.password or None,
            )
        )

    def delivery_worker(self, name: str) -> DeliveryWorker:
        """A delivery worker; `name` stands in its leases."""
        return DeliveryWorker(
            self.store,
            self.clock,
            Deliveries(self.site, name),
            self.courier(),
            self.config.relay.connections,
        )


def build(config: Config, clock: Clock | None = None) -> App:
    """Open the database, make its schema when it has none, and put the parts together."""
    store = Store(config.storage.database)
    schema.prepare(store)
    return App(config, store, clock or SystemClock())
