"""The books: every spend, answer, policy and act of a haven, durable and chained, in one file.

`Ledger.open(path)` is the way in; `audit_verify(path)` checks the books without it.
"""
