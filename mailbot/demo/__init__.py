"""Synthetic letters, scans and mails for trying the system out without any real data."""
