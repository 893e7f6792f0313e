"""Statistical procedures built from plans. None yet: the room keeps its place in the order of imports."""
