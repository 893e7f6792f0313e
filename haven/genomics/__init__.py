"""The genomics room."""
