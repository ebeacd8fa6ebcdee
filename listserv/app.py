"""Config -> App: the only place that wires."""

import logging
import os
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from listserv.clock import Clock, SystemClock
from listserv.config import Config
from listserv.dkim_keys import KeyRing
from listserv.domain.courier import Carrier
from listserv.domain.mailing import Lane, Mode
from listserv.flow.deliver import Deliveries
from listserv.flow.site import Site
from listserv.resolver import Resolver
from listserv.resources import JinjaTemplates
from listserv.rule_files import RuleFiles
from listserv.smtp.authenticate import Authenticator
from listserv.smtp.intake import FlowIntake
from listserv.smtp.relay import MaildirCarrier, RelaySettings, SmtpCarrier
from listserv.smtp.settings import ServerSettings
from listserv.store import schema, site
from listserv.store.session import Store
from listserv.workers.deliver import DeliveryWorker
from listserv.workers.desk import Desk

if TYPE_CHECKING:
    from starlette.types import ASGIApp

    from listserv.web.limits import Limits

log = logging.getLogger("listserv.app")


@dataclass(frozen=True)
class App:
    """One installation, put together. What only `serve` needs is made when it is asked for."""

    config: Config
    store: Store
    clock: Clock

    @cached_property
    def keys(self) -> KeyRing:
        """Who signs for which domain."""
        return KeyRing(self.config)

    @cached_property
    def site(self) -> Site:
        """What every flow knows."""
        config = self.config
        return Site(
            domains=frozenset(self.keys.domains),
            hostname=config.site.hostname,
            secret=self.store.read(site.secret),
            templates=JinjaTemplates(config.templates_dir),
            spam_header=config.spam.header,
            nonce=secrets.token_bytes,
            mode=Mode(config.delivery.mode),
            burst_bytes=config.relay.burst_bytes,
            max_rcpt=config.relay.max_rcpt,
            signers=self.keys.signer,
            require_proven_author=config.auth.require_proven_author,
            operators={domain.name: domain.operator for domain in config.domains},
            zone=config.site.timezone,
            digest_hour=config.digest.hour,
            rule_files=RuleFiles(config.site.rules_dir),
            urls={domain.name: domain.url for domain in config.domains if domain.url},
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
        resolver = Resolver(self.config.dns.servers, self.clock.monotonic)
        authenticator = Authenticator(
            resolver,
            self.clock,
            self.server_settings.trusts,
            self.config.auth.trusted_authserv_ids,
        )
        return FlowIntake(self.store, self.site, self.clock, authenticator.authenticate)

    def pages(self, limits: "Limits") -> "ASGIApp":
        """What the web server serves."""
        # Only here: a command of the command line starts a tenth sooner without Starlette.
        from listserv.web.app import pages
        from listserv.web.endpoint import Office
        from listserv.web.limits import Limiter
        from listserv.web.page import Desk as WebDesk
        from listserv.web.page import Window
        from listserv.web.render import Printer

        asked = (self.store, self.site, self.clock)
        office = Office(
            window=Window(*asked),
            desk=WebDesk(*asked),
            printer=Printer(self.site.templates),
            limiter=Limiter(limits, self.clock.monotonic),
            limits=limits,
            trusted_proxies=self.config.web.trusted_proxies,
        )
        return pages(office)

    def carriers(self, desk: Desk, seven_bit: Callable[[], None]) -> Sequence[Carrier]:
        """Who carries our mail on, taking it from `desk`: with a notice port, notices go by a
        connection of their own."""
        relay = self.config.relay
        if relay.path is not None:
            return [MaildirCarrier(relay.path, desk)]
        settings = relay_settings(self.config, relay.port)
        if relay.notice_port is None:
            return [SmtpCarrier(settings, desk, seven_bit)]
        notices = relay_settings(self.config, relay.notice_port)
        others = [lane for lane in Lane if lane is not Lane.NOTICE]
        return [
            SmtpCarrier(notices, desk.counter([Lane.NOTICE]), seven_bit),
            SmtpCarrier(settings, desk.counter(others), seven_bit),
        ]

    def delivery_worker(self, name: str) -> DeliveryWorker:
        """A delivery worker; `name` stands in its leases. The workers of this machine share what
        the relay bears in a second."""
        config = self.config
        for domain in self.keys.check():
            log.warning("%s has no DKIM key, nothing is signed: listserv dkim key", domain)
        return DeliveryWorker(
            self.store,
            self.clock,
            Deliveries(self.site, name),
            self.carriers,
            threads=config.delivery.signing_threads or os.cpu_count() or 1,
            per_second=config.relay.max_per_second / config.delivery.workers,
            per_day=config.relay.max_per_day,
        )


def relay_settings(config: Config, port: int) -> RelaySettings:
    """The relay at one of its ports."""
    relay = config.relay
    return RelaySettings(
        host=relay.host,
        port=port,
        hostname=config.site.hostname,
        tls=relay.tls,
        username=relay.username or None,
        password=relay.password or None,
        connections=relay.connections,
        max_rcpt=relay.max_rcpt,
    )


def build(config: Config, clock: Clock | None = None) -> App:
    """Open the database, make its schema when it has none, and put the parts together."""
    store = Store(config.storage.database)
    schema.prepare(store)
    return App(config, store, clock or SystemClock())
