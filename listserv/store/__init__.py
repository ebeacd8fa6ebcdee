"""What is kept: the only package that imports SQLAlchemy. Rows stay inside, frozen values come out.

Every function takes a Tx first: one open transaction (see session.Store).
"""
