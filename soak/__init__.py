"""Long runs that hurt the service on purpose, separate from the tests: python -m soak.NAME."""
