"""The wire: mail comes in by server.py and goes out by the relay. This layer translates and never
decides; what it answers comes from the intake that app.py passes in."""
