"""The notary of a home: which key signs its books, who witnesses them, and where its last release left its checkpoint."""

from pathlib import Path

from haven.cli.home import OpenHome
from haven.errors import Code, Refused
from haven.ledger import notes
from haven.ledger.audit import Evidence
from haven.ledger.ledger import Ledger
from haven.ledger.notary import Appointment, Notary
from haven.ledger.notes import NoteError, Verifier
from haven.ledger.witness import Witness, WitnessFile
from haven.ledger.witness_address import WitnessAddress
from haven.release.leaving import LastCheckpoint
from haven.release.signing import SigningKey, fingerprint, open_key


def appoint(home: OpenHome, ledger: Ledger) -> Notary:
    """Have the books of `home` signed with its key and witnessed as its settings say. Refused for settings that name no witness."""
    key = open_key(home.home.keys)
    return ledger.appoint(Appointment(key, _origin(home, key), witness_of(home, key.public), LastCheckpoint(home.home.releases)))


def evidence_of(home: OpenHome) -> Evidence:
    """What an audit holds against the books of `home`: its key, its witness where that is a file, and its last release."""
    key = open_key(home.home.keys)
    witness = witness_of(home, key.public)
    held = witness if isinstance(witness, WitnessFile) else None
    return Evidence(_origin(home, key), key.public, held, LastCheckpoint(home.home.releases).last())


def _origin(home: OpenHome, key: SigningKey) -> str:
    return home.settings.origin or f"haven-{fingerprint(key.public)}"


def witness_of(home: OpenHome, public: str) -> Witness:
    """The witness that the home's settings name."""
    named = home.settings.witness
    if named.startswith(("https://", "http://")):
        return WitnessAddress(named, _witness_key(home))
    return WitnessFile(home.home.root / Path(named), public)


def _witness_key(home: OpenHome) -> Verifier | None:
    if home.settings.witness_key is None:
        return None
    try:
        return notes.of_vkey(home.settings.witness_key)
    except NoteError:
        raise Refused(
            Code.HOME_INVALID, "The setting witness_key is no witness's key.", "Copy the whole line that the witness prints when it starts."
        ) from None
