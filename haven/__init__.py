"""haven."""
