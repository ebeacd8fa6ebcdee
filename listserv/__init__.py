"""listserv: a mailing-list manager that lives entirely in e-mail.

The folders answer a reader's questions; each imports only what stands below it.

    cli/        one file per noun of the command line
    daemon.py   serve: listeners, housekeeping, delivery processes; starts and stops them
    delivery.py a delivery process, and its supervisor
    app.py      Config -> App: the only place that wires
    smtp/       server (in), relay (out): translate, never decide
    workers/    loops only
    flow/       what happens, in order: one file per thing, one transaction per function
    store/      what is kept: the only package that imports SQLAlchemy
    config.py dkim_keys.py clock.py resources.py resolver.py dns_wire.py
    policy/     what should happen: pure, facts in, decision out
    mail/       what do we say: pure, values and bytes in, bytes out
    domain/     what is it: frozen values, no I/O

A feature is spread over four or five small files of equal name: search for one word ("digest",
"held") and you have them all. docs/flow.md tells a post's way, and a
command's.
"""

__version__ = "0.1.0"
