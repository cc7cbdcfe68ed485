"""Synthetic pages and pens for the benchmarks of reading."""
