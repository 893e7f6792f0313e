"""The mathematics, pure: contribution bounds, losses, mechanisms, partition selection, accounting. The only room that knows OpenDP."""
