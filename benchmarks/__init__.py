"""Benchmarks: each module has `main(argv) -> exit code` and prints a table with ratios, paired in one run."""
