"""The audit of the Merkle log: the tree is built again from the entries; tiles, checkpoints and the witness's copy are held against it."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field

from haven.ledger import acceptance, checkpoints, merkle
from haven.ledger.acceptance import ENTRY
from haven.ledger.audit_reading import Books
from haven.ledger.audit_spends import Told
from haven.ledger.checkpoints import Checkpoint
from haven.ledger.doubts import Cause
from haven.ledger.notes import NoteError
from haven.ledger.tiles import WIDTH
from haven.ledger.witness import WitnessError, WitnessFile

UNKNOWN = "unknown"
LATER = 10  # acceptances that a witness may know of and the books not


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known of the books from elsewhere: first origin, the key that signs now, the witness's file, the last release's note."""

    origin: str
    public: str
    witness: WitnessFile | None = None
    released: str | None = None


@dataclass
class Log:
    """The tree as the entries give it. `found` is told of what does not agree, `remarked` of what is odd and harms nothing."""

    found: Callable[[str, int | None], None]
    remarked: Callable[[str], None]
    evidence: Evidence | None
    size: int = 0
    roots: dict[int, str] = field(default_factory=dict)
    # who signed under which origin, up to which entry: (origin, public key, the last entry under it)
    earlier: list[tuple[str, str, int]] = field(default_factory=list)
    origin: str = ""
    public: str = ""
    _whole: merkle.Edge = field(default_factory=merkle.Edge)
    _tile: list[bytes] = field(default_factory=list)
    _tiles: list[tuple[bytes, bytes]] = field(default_factory=list)
    _kept: dict[int, tuple[str, str]] = field(default_factory=dict)
    _held: list[Checkpoint] = field(default_factory=list)
    _last_released: Checkpoint | None = None

    def begin(self, books: Books) -> None:
        """Read what there is to be held against the entries."""
        if books.has("checkpoints"):
            for row in books.each("SELECT size, root, note FROM checkpoints ORDER BY size"):
                self._kept[row["size"]] = (row["root"], row["note"])
        if self.evidence is not None:
            self.origin = self.evidence.origin
            self._read_witness(self.evidence)
            self._read_released(self.evidence)
        points = [*self._held, *([] if self._last_released is None else [self._last_released])]
        self.roots = dict.fromkeys([*self._kept, *(point.size for point in points)], "")

    def add(self, body: str) -> None:
        """The next entry's text."""
        self.size += 1
        self._tile.append(merkle.leaf(body))
        if self.size in self.roots:
            self.roots[self.size] = self.root()
        if len(self._tile) == WIDTH:
            root = merkle.whole(self._tile)
            self._tiles.append((root, hashlib.sha256(b"".join(self._tile)).digest()))
            self._whole.add(root)
            self._tile = []

    def root(self) -> str:
        """The root of the entries so far, in hexadecimal: that of the full tiles, and of the leaves after them."""
        leaves = merkle.Edge()
        for leaf in self._tile:
            leaves.add(leaf)
        subtrees = [*self._whole.subtrees, *leaves.subtrees]
        return (merkle.joined(subtrees) if subtrees else merkle.EMPTY).hex()

    def accepted(self, told: Told) -> None:
        """From this entry on the books go by another origin, and perhaps by another key."""
        if told.kind == ENTRY:
            # a key that was lost is known to nobody but in what it signed
            before = self.public or (UNKNOWN if told.detail["doubt"] == Cause.KEY else told.detail["public"])
            self.earlier.append((self.origin, before, told.detail["agreed"]))
            self.origin, self.public = told.detail["origin"], told.detail["public"]

    def compare(self, books: Books) -> None:
        """Hold everything against the tree, once every entry was read."""
        if books.has("tiles"):
            self._compare_tiles(books)
        if self.evidence is not None:
            self.public = self.public or self.evidence.public
        self._compare_kept()
        if self.evidence is not None:
            if self.public != self.evidence.public:
                self.found("The checkpoints of these books were signed by another key than the one that is there now.", None)
            self._compare_held()
            if self._last_released is not None:
                self._compare_point(self._last_released, "The books are not those from which the last release was signed.")

    def _read_witness(self, evidence: Evidence) -> None:
        if evidence.witness is None:
            return
        try:
            self._held = evidence.witness.held()
            unreadable = evidence.witness.unreadable()
        except WitnessError as error:
            self.found(str(error), None)
            return
        if unreadable:
            self.remarked(f"Records of the witness that cannot be read, or that an earlier key signed: {unreadable}.")

    def _read_released(self, evidence: Evidence) -> None:
        if evidence.released is None:
            return
        try:
            self._last_released = checkpoints.parsed_note(evidence.released)
        except NoteError:
            self.found("The checkpoint of the last release is damaged.", None)

    def _compare_tiles(self, books: Books) -> None:
        levels = [self._tiles]
        while len(levels[-1]) >= WIDTH:
            below = [root for root, _ in levels[-1]]
            full = [below[start : start + WIDTH] for start in range(0, len(below) - WIDTH + 1, WIDTH)]
            levels.append([(merkle.whole(part), hashlib.sha256(b"".join(part)).digest()) for part in full])
        wanted = {(level, number): tile for level, tiles in enumerate(levels) for number, tile in enumerate(tiles)}
        there = {(row["level"], row["number"]): _digests(row["root"], row["hashes"]) for row in books.each("SELECT * FROM tiles")}
        for place in sorted(wanted.keys() | there.keys()):
            if wanted.get(place) != there.get(place):
                self.found("The tiles of the Merkle tree are not those of the entries.", (place[1] * WIDTH + 1) * (place[0] == 0) or None)
                return

    def _compare_kept(self) -> None:
        for size, (root, note) in self._kept.items():
            try:
                said = checkpoints.parsed_note(note)
            except NoteError:
                said = None
            if said is None or (said.size, said.root.hex(), root) != (size, root, self.roots.get(size)):
                self.found(f"The checkpoint of {size} entries does not agree with the entries.", None)
            elif self.evidence is not None and not self._signed(said, note):
                self.found(f"The checkpoint of {size} entries is not signed by the key of its time.", None)

    def _signed(self, said: Checkpoint, note: str) -> bool:
        """Whether a checkpoint bears the origin and key in force when the books had its size."""
        for origin, public, last in [*self.earlier, (self.origin, self.public, self.size)]:
            if said.size <= last:
                return said.origin == origin and (public == UNKNOWN or _is_signed(note, public))
        return False

    def _compare_held(self) -> None:
        last = {origin: until for origin, _, until in self.earlier} | {self.origin: None}
        later = {acceptance.successor(self.origin, steps) for steps in range(1, LATER)}
        for point in self._held:
            until = last.get(point.origin)
            problem = ""
            if point.origin in later:
                problem = "The witness knows these books under a later origin: they are older than what it has seen."
            elif point.origin in last and (until is None or point.size <= until):  # the rest was lost, as two custodians decided
                problem = self._problem_of(point)
            if problem:
                self.found(problem, None)
                return

    def _problem_of(self, point: Checkpoint) -> str:
        if point.size > self.size:
            return f"The books hold {self.size} entries, and their witness has seen {point.size}."
        if self.roots.get(point.size) != point.root.hex():
            return f"The books are not a continuation of the {point.size} entries that their witness has seen."
        return ""

    def _compare_point(self, point: Checkpoint, words: str) -> None:
        past = {origin: last for origin, _, last in self.earlier}
        if point.origin in past and point.size > past[point.origin]:
            return
        if point.origin not in {*past, self.origin} or self.roots.get(point.size) != point.root.hex():
            self.found(words, None)


def _digests(root: object, hashes: object) -> tuple[bytes, bytes] | None:
    if not isinstance(root, bytes) or not isinstance(hashes, bytes):
        return None
    return root, hashlib.sha256(hashes).digest()


def _is_signed(note: str, public: str) -> bool:
    try:
        checkpoints.read(note, public)
    except NoteError:
        return False
    return True
