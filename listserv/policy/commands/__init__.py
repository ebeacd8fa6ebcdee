"""The mail command language.

command     Verb, Option, Command, NotUnderstood: what a line can mean
table       COMMANDS: one row a command; docs/commands.md is printed from it
grammar     parse(): a subject and lines -> commands
line        words, the list and the addresses in a line
addresses   addresses that are commands
times       when the digest comes; TIMEZONE
delivery    SET: its options, and how mail comes
joining     SUBSCRIBE, SIGNOFF, CONFIRM
member      BREAK, CHANGE, ALSO, NAME and the questions
owners      ADD, DELETE, INVITE, BAN
dates, names    of BREAK; of a person
nearest     what was meant by a line that is no command
"""
