"""Stations 1 to 10: from a researcher's words to a noised, recorded answer; and what may be read for free."""
