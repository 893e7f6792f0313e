"""Figures: a PNG is decoded and drawn anew, so that nothing but its visible pixels leaves."""

import io
import struct
import zlib

from PIL import Image

from haven.errors import Code, Refused

SIGNATURE = b"\x89PNG\r\n\x1a\n"
LARGEST_FILE = 10 * 2**20
LARGEST_SIDE = 8_000
MOST_PIXELS = 24_000_000
_HEADER_END = 33


def redraw(content: bytes) -> bytes:
    """The same picture as a fresh RGB PNG: no metadata, no further frames, nothing under transparency, nothing after the end.

    Raises Refused `release.item` for what is not a PNG, is damaged, or is larger than 10 MiB, 8,000 pixels a side or 24 million pixels
    (judged from the header, before anything is unpacked).
    """
    _check_header(content)
    try:
        with Image.open(io.BytesIO(content), formats=("PNG",)) as source:
            pixels = source.convert("RGBA")
    except (OSError, ValueError, SyntaxError, EOFError, struct.error, zlib.error, Image.DecompressionBombError) as error:
        raise Refused(Code.RELEASE_ITEM, "This figure is not a whole PNG file.", "Save the figure again as PNG.") from error
    flat = Image.new("RGB", pixels.size, "white")
    flat.paste(pixels, mask=pixels.getchannel("A"))
    out = io.BytesIO()
    flat.save(out, format="PNG", optimize=False)
    return out.getvalue()


def _check_header(content: bytes) -> None:
    if len(content) > LARGEST_FILE:
        raise Refused(Code.RELEASE_ITEM, "This figure is larger than 10 MiB.", "Save it with fewer pixels.")
    if len(content) < _HEADER_END or not content.startswith(SIGNATURE) or content[12:16] != b"IHDR":
        raise Refused(Code.RELEASE_ITEM, "This figure is not a whole PNG file.", "Save the figure again as PNG.")
    width, height = struct.unpack(">II", content[16:24])
    if not (0 < width <= LARGEST_SIDE and 0 < height <= LARGEST_SIDE and width * height <= MOST_PIXELS):
        raise Refused(Code.RELEASE_ITEM, "This figure has too many pixels (8,000 a side, 24 million in all).", "Save it smaller.")
