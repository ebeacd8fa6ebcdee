"""What should happen: facts in, decision out. No I/O, clock or randomness."""
