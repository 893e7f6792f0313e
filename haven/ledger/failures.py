"""Which errors are the database failing under the books, and the one constant Fault that they leave as."""

import contextlib
import sqlite3
from collections.abc import Iterator

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as NoConnectionError

from haven.errors import Code, Fault

LEDGER_FAULT = "haven's books could not be read or written just now, so nothing was answered. Tell your operator if it happens again."
DATABASE_ERRORS = (DBAPIError, sqlite3.Error, psycopg.Error, NoConnectionError)
_FILE_FAILURES = {
    sqlite3.SQLITE_PERM,
    sqlite3.SQLITE_ABORT,
    sqlite3.SQLITE_BUSY,
    sqlite3.SQLITE_LOCKED,
    sqlite3.SQLITE_NOMEM,
    sqlite3.SQLITE_READONLY,
    sqlite3.SQLITE_IOERR,
    sqlite3.SQLITE_CORRUPT,
    sqlite3.SQLITE_FULL,
    sqlite3.SQLITE_CANTOPEN,
    sqlite3.SQLITE_PROTOCOL,
    sqlite3.SQLITE_NOTADB,
}
# lost connections, resources, locks, timeouts and shutdowns (08, 40, 53, 55, 57, 58) are operational; a transaction that is broken, ended
# or read-only (25), a damaged file and the server's own errors (XX) are internal; what is wrong with a statement or its values is neither
_SERVER_FAILURES = (psycopg.OperationalError, psycopg.InternalError, psycopg.InterfaceError)


def ledger_fault() -> Fault:
    """The one fault of the books, whatever went wrong under them."""
    return Fault(Code.FAULT_LEDGER, LEDGER_FAULT)


def file_failed(error: BaseException) -> bool:
    """Whether the file or server failed (full, locked, input/output, corrupt, out of reach), rather than the statement sent to it."""
    cause = error.orig if isinstance(error, DBAPIError) else error
    if isinstance(cause, sqlite3.Error):
        return (getattr(cause, "sqlite_errorcode", 0) & 0xFF) in _FILE_FAILURES
    return isinstance(cause, (*_SERVER_FAILURES, NoConnectionError))


@contextlib.contextmanager
def only_ledger_faults() -> Iterator[None]:
    """A failure of the database leaves as the one constant Fault; a wrong statement or a broken constraint, as it is."""
    try:
        yield
    except DATABASE_ERRORS as error:
        if file_failed(error):
            raise ledger_fault() from None
        raise
