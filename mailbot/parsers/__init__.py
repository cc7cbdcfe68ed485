"""bytes -> Submission (`opening`) -> Evidence (`scans`). Hostile bytes are opened in limited children only.

Nothing is imported here: a mail is opened in a child that is forked from a small server, and pages in one of a large server.
"""
