"""The mediator room."""
