"""What may leave by file: by its bytes, never by its name; and what is refused whatever it is called."""

import base64
import contextlib
import io
import json
import pickle
import random
import struct
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image, PngImagePlugin

from haven.errors import Code, Fault, Refused
from haven.release.figures import redraw
from haven.release.names import LONGEST, safe_name
from haven.release.objects import ObjectStore
from haven.release.texts import as_html, clean_text
from haven.release.words import optional
from tests.support.release_world import png


def chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def header(width: int, height: int) -> bytes:
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0))


def zipped() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    return out.getvalue()


NOT_TEXT = {
    "pickle": pickle.dumps({"a": 1}),
    "pickle in ASCII": pickle.dumps({"a": [1, 2]}, protocol=0),
    "html": b"<html><body>hi</body></html>",
    "html in disguise": b"\n  <!DOCTYPE html><p>hi</p>",
    "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>',
    "xml": b"<?xml version='1.0'?><a/>",
    "shell script": b"#!/bin/sh\nrm -rf /\n",
    "python script": b"import os\nos.system('id')\n",
    "office file": zipped(),
    "executable": b"\x7fELF\x02\x01\x01" + bytes(60),
    "gzip": zlib.compress(b"x" * 50),
    "pdf": b"%PDF-1.7\n1 0 obj\n",
    "rich text": b"{\\rtf1 hi}",
    "notebook": json.dumps({"cells": [], "nbformat": 4}).encode(),
    "jpeg": b"\xff\xd8\xff\xe0" + bytes(40),
    "gif": b"GIF89a" + bytes(40),
    "latin-1": "é".encode("latin-1"),
    "utf-16": "plain".encode("utf-16"),
    "nul": b"a\x00b",
    "escape codes": b"a\x1b[31mred",
    "direction override": "pay\u202egnp.exe".encode(),
    "invisible": "a\u200bb".encode(),
    "empty": b"",
    "spaces": b" \n\t ",
}
NOT_SAFE = {
    "raw html": b"Hello <b>there</b>\n",
    "html block": b"Hello\n\n<div onclick='x'>there</div>\n",
    "comment": b"Hello <!-- hidden --> there\n",
    "image": b"![x](https://evil.example/track.png)\n",
    "script link": b"[x](javascript:alert(1))\n",
    "data link": b"[x](data:text/html;base64,AAAA)\n",
    "file link": b"[x](file:///etc/passwd)\n",
    "hidden payload": b"See " + base64.b64encode(bytes(range(256))) + b"\n",
    "too large": b"word " * 40_001,
}


@pytest.mark.parametrize("content", [*NOT_TEXT.values(), *NOT_SAFE.values()], ids=[*NOT_TEXT, *NOT_SAFE])
def test_what_is_no_plain_markdown_is_refused(content: bytes) -> None:
    with pytest.raises(Refused) as error:
        clean_text(content)
    assert error.value.code is Code.RELEASE_ITEM


def test_plain_markdown_passes_as_it_is() -> None:
    text = "# Title\n\nA *word*, a [link](https://example.org), `code`, x < y, 3 & 4.\n\n| a | b |\n|---|---|\n| 1 | 2 |\n"
    assert clean_text(text.encode()) == text
    assert clean_text(b"\xef\xbb\xbfwords\r\nmore\r\n\r\n") == "words\nmore\n"


@given(st.text(max_size=300))
def test_whatever_passes_shows_no_markup_of_its_own(text: str) -> None:
    try:
        shown = as_html(clean_text(text.encode("utf-8", "replace")))
    except Refused:
        return
    assert "<script" not in shown
    assert "<img" not in shown
    assert "javascript:" not in shown.lower() or 'href="javascript' not in shown.lower()


def test_shown_markdown_is_safe_even_where_it_was_never_cleaned() -> None:
    shown = as_html("<script>alert(1)</script> ![x](http://a.b/c.png) [y](javascript:alert(1))")
    assert "<script" not in shown
    assert "<img" not in shown
    assert 'href="javascript' not in shown


def test_a_figure_keeps_its_pixels_and_loses_everything_else() -> None:
    out = io.BytesIO()
    info = PngImagePlugin.PngInfo()
    info.add_text("comment", "patient 4711")
    Image.new("RGB", (3, 2), (1, 2, 3)).save(out, format="PNG", pnginfo=info, exif=b"Exif\x00\x00secret")
    redrawn = redraw(out.getvalue() + b"appended secret")
    assert b"4711" not in redrawn
    assert b"secret" not in redrawn
    with Image.open(io.BytesIO(redrawn)) as image:
        assert (image.size, image.mode, image.getpixel((1, 1))) == ((3, 2), "RGB", (1, 2, 3))
        assert image.info == {}


def test_nothing_hides_under_transparency() -> None:
    out = io.BytesIO()
    Image.new("RGBA", (2, 2), (9, 9, 9, 0)).save(out, format="PNG")
    with Image.open(io.BytesIO(redraw(out.getvalue()))) as image:
        assert image.getpixel((0, 0)) == (255, 255, 255)


def test_further_frames_are_dropped() -> None:
    out = io.BytesIO()
    frames = [Image.new("RGB", (4, 4), colour) for colour in ("red", "blue")]
    frames[0].save(out, format="PNG", save_all=True, append_images=frames[1:])
    with Image.open(io.BytesIO(redraw(out.getvalue()))) as image:
        assert getattr(image, "n_frames", 1) == 1


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x89PNG\r\n\x1a\n",
        png()[:60],
        png()[:33] + chunk(b"IEND", b""),
        header(0, 5) + chunk(b"IEND", b""),
        header(8001, 1) + chunk(b"IEND", b""),
        header(60_000, 60_000) + chunk(b"IDAT", zlib.compress(b"\0" * 1000)),
        header(8000, 8000) + chunk(b"IEND", b""),
        png() + b"\0" * (10 * 2**20),
        header(4, 4) + chunk(b"zTXt", b"a\0\0" + zlib.compress(b"x" * 80_000_000)) + chunk(b"IEND", b""),
        b"GIF89a" + bytes(60),
    ],
    ids=["empty", "signature", "cut", "no pixels", "no width", "wide", "bomb", "many pixels", "large", "text bomb", "gif"],
)
def test_a_png_that_is_none_or_too_large_is_refused(content: bytes) -> None:
    with pytest.raises(Refused) as error:
        redraw(content)
    assert error.value.code is Code.RELEASE_ITEM


def test_random_damage_to_a_png_is_refused_or_redrawn_never_an_error() -> None:
    choose = random.Random(7)  # noqa: S311 - places to damage, not secrets
    good = png(size=(40, 40))
    for _ in range(300):
        damaged = bytearray(good)
        for _ in range(choose.randrange(1, 4)):
            damaged[choose.randrange(8, len(good))] = choose.randrange(256)
        with contextlib.suppress(Refused):
            assert redraw(bytes(damaged)).startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("figure.png", "figure.png"),
        ("../../etc/passwd", "passwd.png"),
        ("..\\..\\windows\\x.exe", "x.png"),
        (".bashrc", "bashrc.png"),
        ("a b\u202egnp.js", "a-b-gnp.png"),
        ("", "item.png"),
        ("///", "item.png"),
        ("-rf", "rf.png"),
        ("x" * 500, "x" * 76 + ".png"),
        ("archive.tar.gz", "archive-tar.png"),
        ("con\n\r\0.png", "con.png"),
        ("Ünïcode.png", "n-code.png"),
    ],
)
def test_hostile_names_become_plain_ones(name: str, expected: str) -> None:
    assert safe_name(name, ".png") == expected


@given(st.text(max_size=200), st.sampled_from([".png", ".md", ""]))
def test_a_safe_name_is_safe_and_stays(name: str, ending: str) -> None:
    safe = safe_name(name, ending)
    assert set(safe) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-")
    assert safe[0] not in ".-"
    assert 0 < len(safe) <= LONGEST
    assert safe.endswith(ending)
    assert safe_name(safe, ending) == safe


def test_an_object_is_kept_once_private_and_by_its_content(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    digest = store.put(b"hello")
    path = tmp_path / digest[:2] / digest[2:]
    assert path.stat().st_mode & 0o777 == 0o600
    assert store.put(b"hello") == digest
    assert [one.name for one in path.parent.iterdir()] == [path.name]
    assert store.get(digest) == b"hello"


def test_an_object_changed_on_disk_is_never_given_out_and_mended_by_putting_it_again(tmp_path: Path) -> None:
    store = ObjectStore(tmp_path)
    digest = store.put(b"hello")
    (tmp_path / digest[:2] / digest[2:]).write_bytes(b"hullo")
    with pytest.raises(Fault):
        store.get(digest)
    store.put(b"hello")
    assert store.get(digest) == b"hello"
    with pytest.raises(Fault):
        store.get("0" * 64)
    with pytest.raises(ValueError, match="64 hexadecimal"):
        store.get("../../etc/passwd")


def test_a_write_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("haven.release.objects.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        ObjectStore(tmp_path).put(b"hello")
    assert [one for one in tmp_path.rglob("*") if one.is_file()] == []


def test_words_may_be_left_out_only_where_they_are_optional() -> None:
    assert optional("  ", "reason") == ""
    with pytest.raises(Refused, match="longer than 5"):
        optional("123456", "reason", 5)
