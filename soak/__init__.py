"""Endurance runs, separate from the tests: kills against real servers, robots and forged mail on a virtual clock."""
