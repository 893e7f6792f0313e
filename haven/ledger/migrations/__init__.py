"""Forward migrations of the books, run by `Ledger.open`."""
