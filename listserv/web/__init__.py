"""The few pages that mail cannot do: leaving with one click, and what a browser makes easier."""
