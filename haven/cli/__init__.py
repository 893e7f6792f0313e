"""The commands: every room put together in one place, spoken for people and for programs. Holds no rule of its own."""
