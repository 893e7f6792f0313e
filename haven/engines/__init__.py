"""Exact answers: the only room that sees rows. Sources become sealed snapshots; a killable child process computes on them."""
