"""What is it: frozen values and the tables that name things. No I/O, clock or randomness."""
