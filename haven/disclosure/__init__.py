"""The disclosure room."""
