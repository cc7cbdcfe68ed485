"""The same work on PostgreSQL, on any number of hosts, for one office or for many.

offices: which offices this process serves · workers: lanes carried by Procrastinate · scheduler: mailboxes and ticks, each by one host
· move: SQLite -> PostgreSQL · keeping: backup and checks · commands: `mailbot worker | scheduler | db`
"""
