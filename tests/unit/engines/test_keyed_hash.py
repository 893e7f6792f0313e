"""The keyed hash that SQL computes is the HMAC-SHA256 of RFC 2104, and each purpose has a key of its own."""

import hashlib
import hmac
import os

import duckdb
import pytest

from haven.engines.keyed_hash import Purpose, derive


@pytest.mark.parametrize("message", [b"", b"\x00\xff", b"a" * 55, b"b" * 64, os.urandom(1000)])
def test_sql_and_the_standard_library_agree(message: bytes) -> None:
    key = derive(b"x" * 32, Purpose.UNIT_SET)
    sql = f"SELECT {key.sql_hex('$message::BLOB')}, {key.sql_u64('$message::BLOB')}"
    found = duckdb.connect().execute(sql, key.parameters | {"message": message}).fetchone()
    wanted = hmac.new(key.key, message, hashlib.sha256).hexdigest()
    assert found == (wanted, int(wanted[:16], 16))
    assert key.hex(message) == wanted


def test_every_purpose_has_a_key_of_its_own() -> None:
    assert len({derive(b"x" * 32, purpose).key for purpose in Purpose}) == len(Purpose)


def test_a_key_does_not_print() -> None:
    key = derive(b"x" * 32, Purpose.ROW)
    assert key.key.hex() not in repr(key)
    assert repr(key.key) not in repr(key)
