"""Books that are not the present ones answer nothing: set back, branched, under another key, without their witness; and how two decide."""

import shutil
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from haven.errors import Code, HavenError, Refused
from haven.ledger import checkpoints, merkle, proofs
from haven.ledger.acceptance import ENTRY, KIND
from haven.ledger.audit import audit_verify
from haven.ledger.database import Place
from haven.ledger.doubts import Cause
from haven.ledger.ledger import Ledger
from haven.ledger.notary import Appointment, Notary
from haven.ledger.witness import UnreachableError, WitnessFile
from haven.policy.roles import Role
from haven.privacy.budget import Price
from haven.release.leaving import LastCheckpoint
from haven.release.signing import open_key, open_or_make_key
from tests.support.books import NOW, caps, later, permit, plan, rho
from tests.support.witnessed import ORIGIN, file_in, key_in, put_back, view, witnessed

ALLOWED = permit(caps(rho(1000, 10)))


def _reserve(ledger: Ledger, digest: str = "d") -> None:
    ledger.reserve(plan(rho(1), digest), ALLOWED, 1, NOW)


def _save(folder: Path) -> Path:
    return Path(shutil.copy(folder / "books.sqlite", folder / "saved.sqlite"))


def _grown_and_saved(folder: Path, more: int = 5) -> Path:
    """Books that were saved at some size, and grew and were witnessed afterwards."""
    with witnessed(folder) as (ledger, notary):
        for name in ("carol", "keeper"):
            ledger.people.add_user(name, Role.CUSTODIAN, actor="operator", now=NOW)
        _reserve(ledger)
        notary.checkpoint(NOW)
    saved = _save(folder)
    with witnessed(folder) as (ledger, notary):
        view(ledger, more)
        notary.checkpoint(NOW)
    return saved


def _accept(ledger: Ledger, notary: Notary, charges: dict[str, Price] | None = None) -> None:
    terms = notary.terms({"nafld": rho(999, 10)} if charges is None else charges)
    proposal = ledger.proposals.propose(KIND, "books", terms.detail, "the disk died", actor="carol", now=NOW)
    ledger.proposals.confirm(proposal.id, "agreed", actor="keeper", now=NOW)
    notary.examine(NOW)


def test_new_books_are_current_and_their_first_entry_is_witnessed(tmp_path: Path) -> None:
    with witnessed(tmp_path) as (ledger, notary):
        assert (notary.doubt, notary.checkpoint(NOW)) == (None, None)
        assert not notary.due(NOW)
        _reserve(ledger)
        assert notary.due(NOW)
        kept = notary.checkpoint(NOW)
        assert kept is not None
        assert checkpoints.read(kept.note, key_in(tmp_path).public).size == 1
        assert [one.size for one in file_in(tmp_path).held()] == [1]


def test_a_checkpoint_is_due_after_a_minute_or_256_entries_and_never_where_nothing_happened(tmp_path: Path) -> None:
    with witnessed(tmp_path) as (ledger, notary):
        view(ledger, 1)
        notary.checkpoint(NOW)
        assert not notary.due(later(hours=1))
        view(ledger, 1)
        assert (notary.due(later(seconds=59)), notary.due(later(seconds=60)), notary.due(later(seconds=-60))) == (False, True, True)
        view(ledger, 254)
        assert not notary.due(later(seconds=1))
        view(ledger, 1)
        assert notary.due(later(seconds=1))


def test_nothing_new_is_signed_once(tmp_path: Path) -> None:
    with witnessed(tmp_path) as (ledger, notary):
        view(ledger, 3)
        assert notary.checkpoint(NOW) == notary.checkpoint(later(hours=1))
    with witnessed(tmp_path) as (ledger, notary):
        assert notary.doubt is None
    assert [one.size for one in file_in(tmp_path).held()] == [3]


def test_books_that_were_set_back_answer_nothing(tmp_path: Path) -> None:
    put_back(_grown_and_saved(tmp_path), tmp_path)
    with witnessed(tmp_path) as (ledger, notary):
        assert notary.doubt is not None
        assert (notary.doubt.cause, notary.doubt.entries, notary.doubt.witnessed) == (Cause.BEHIND, 3, 8)
        with pytest.raises(Refused) as refused:
            _reserve(ledger, "another")
        assert refused.value.code is Code.BOOKS_BEHIND
        with pytest.raises(Refused):
            ledger.check_current(NOW)
        assert ledger.population_balance("nafld").taken == rho(1)
        assert notary.checkpoint(NOW) is None
    assert [one.size for one in file_in(tmp_path).held()] == [3, 8]


def test_new_books_in_the_place_of_those_that_are_gone_answer_nothing(tmp_path: Path) -> None:
    _grown_and_saved(tmp_path)
    for path in tmp_path.glob("books.sqlite*"):
        path.unlink()
    with witnessed(tmp_path) as (ledger, notary):
        assert notary.doubt is not None
        assert (notary.doubt.cause, notary.doubt.entries, notary.doubt.witnessed) == (Cause.BEHIND, 0, 8)
        with pytest.raises(Refused):
            _reserve(ledger)


def test_books_that_went_on_from_a_backup_unwitnessed_are_a_fork(tmp_path: Path) -> None:
    put_back(_grown_and_saved(tmp_path, 2), tmp_path)
    with Ledger.open(tmp_path / "books.sqlite") as ledger:  # somebody ran them without their notary
        for number in range(30):
            _reserve(ledger, f"d{number}")
    with witnessed(tmp_path) as (_, notary):
        assert notary.doubt is not None
        assert notary.doubt.cause is Cause.FORKED


def test_two_custodians_accept_them_and_the_loss_is_charged(tmp_path: Path) -> None:
    put_back(_grown_and_saved(tmp_path), tmp_path)
    with witnessed(tmp_path) as (ledger, notary):
        _accept(ledger, notary)
        assert notary.doubt is None
        assert ledger.population_balance("nafld").taken == rho(1000, 10)
        with pytest.raises(Refused) as refused:
            _reserve(ledger, "another")
        assert refused.value.code is Code.BUDGET_EXHAUSTED
        (entry,) = ledger.entries(kind=ENTRY)
        assert (entry.detail["entries"], entry.detail["witnessed"], entry.detail["origin"]) == (3, 8, f"{ORIGIN}/2")
    assert [(one.origin, one.size) for one in file_in(tmp_path).held()][-1][0] == f"{ORIGIN}/2"
    assert audit_verify(tmp_path / "books.sqlite").problems == ()
    with witnessed(tmp_path) as (_, notary):
        assert notary.doubt is None


def test_a_stated_loss_leaves_the_rest_to_be_asked(tmp_path: Path) -> None:
    put_back(_grown_and_saved(tmp_path), tmp_path)
    with witnessed(tmp_path) as (ledger, notary):
        _accept(ledger, notary, {"nafld": rho(100)})
        _reserve(ledger, "another")
        assert ledger.population_balance("nafld").taken == rho(102)


def test_one_custodian_decides_nothing(tmp_path: Path) -> None:
    put_back(_grown_and_saved(tmp_path), tmp_path)
    with witnessed(tmp_path) as (ledger, notary):
        terms = notary.terms({})
        proposal = ledger.proposals.propose(KIND, "books", terms.detail, "the disk died", actor="carol", now=NOW)
        with pytest.raises(Refused):
            ledger.proposals.confirm(proposal.id, "me again", actor="carol", now=NOW)
        assert notary.examine(NOW) is not None


def test_a_decision_counts_once(tmp_path: Path) -> None:
    put_back(_grown_and_saved(tmp_path), tmp_path)
    with witnessed(tmp_path) as (ledger, notary):
        terms = notary.terms({})
        stale = ledger.proposals.propose(KIND, "books", terms.detail, "the disk died", actor="carol", now=NOW)
        _accept(ledger, notary)
        with pytest.raises(Refused) as refused:
            ledger.proposals.confirm(stale.id, "late", actor="keeper", now=NOW)
        assert refused.value.code is Code.REQUEST_CONFLICT


def test_the_same_backup_restored_again_is_older_than_the_decision(tmp_path: Path) -> None:
    saved = _grown_and_saved(tmp_path)
    put_back(saved, tmp_path)
    with witnessed(tmp_path) as (ledger, notary):
        _accept(ledger, notary)
    put_back(saved, tmp_path)
    with witnessed(tmp_path) as (ledger, notary):
        assert notary.doubt is not None
        assert (notary.doubt.cause, notary.doubt.origin) == (Cause.BEHIND, f"{ORIGIN}/2")
        _accept(ledger, notary)
        assert notary.doubt is None
        assert notary.origin() == f"{ORIGIN}/3"


def test_the_newest_books_put_back_after_a_decision_are_older_too(tmp_path: Path) -> None:
    """The tail that was thought lost turns up again, whole: it is the books of before the decision all the same."""
    saved = _grown_and_saved(tmp_path)
    whole = Path(shutil.copy(tmp_path / "books.sqlite", tmp_path / "whole.sqlite"))
    put_back(saved, tmp_path)
    with witnessed(tmp_path) as (ledger, notary):
        _accept(ledger, notary)
    put_back(whole, tmp_path)
    with witnessed(tmp_path) as (_, notary):
        assert notary.doubt is not None
        assert notary.doubt.cause is Cause.BEHIND


def test_a_service_that_refuses_answers_again_as_soon_as_it_is_decided_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haven.ledger.notary.AGAIN_S", 0.0)
    put_back(_grown_and_saved(tmp_path), tmp_path)
    with witnessed(tmp_path) as (service, _):
        with witnessed(tmp_path) as (ledger, notary):
            _accept(ledger, notary, {})
        _reserve(service, "another")


@pytest.mark.parametrize("before", ["swapped", "lost"])
def test_another_key_is_noticed_and_accepted_by_two(tmp_path: Path, before: str) -> None:
    _grown_and_saved(tmp_path)
    if before == "swapped":
        other = tmp_path / "other"
        open_or_make_key(other)
        shutil.copytree(other, tmp_path / "keys", dirs_exist_ok=True)
    else:
        shutil.rmtree(tmp_path / "keys")
    with witnessed(tmp_path) as (ledger, notary):
        assert notary.doubt is not None
        assert notary.doubt.cause is Cause.KEY
        with pytest.raises(Refused):
            _reserve(ledger, "another")
        _accept(ledger, notary, {})
        assert notary.doubt is None
        assert ledger.entries(kind=ENTRY)[0].detail["public"] == key_in(tmp_path).public
        _reserve(ledger, "another")


def test_a_half_written_key_opens_nothing(tmp_path: Path) -> None:
    _grown_and_saved(tmp_path)
    key = tmp_path / "keys" / "release.key"
    key.write_bytes(key.read_bytes()[:60])
    with pytest.raises(HavenError) as refused:
        key_in(tmp_path)
    assert refused.value.code is Code.HOME_INVALID


def test_another_key_and_books_from_before_any_checkpoint_are_noticed_by_the_witness(tmp_path: Path) -> None:
    with Ledger.open(tmp_path / "books.sqlite") as ledger:
        view(ledger, 2)
    saved = _save(tmp_path)
    with witnessed(tmp_path) as (ledger, notary):
        view(ledger, 2)
        notary.checkpoint(NOW)
    put_back(saved, tmp_path)
    shutil.rmtree(tmp_path / "keys")
    with witnessed(tmp_path) as (_, notary):
        assert notary.doubt is not None
        assert notary.doubt.cause is Cause.KEY


def test_a_witness_that_is_gone_or_emptied_is_noticed(tmp_path: Path) -> None:
    _grown_and_saved(tmp_path)
    (tmp_path / "witness.log").write_bytes(b"")
    with witnessed(tmp_path) as (_, notary):
        assert notary.doubt is not None
        assert notary.doubt.cause is Cause.LOST
    (tmp_path / "witness.log").unlink()
    with witnessed(tmp_path) as (ledger, notary):
        assert notary.doubt is not None
        assert notary.doubt.cause is Cause.LOST
        assert not (tmp_path / "witness.log").exists()
        _accept(ledger, notary, {})
        assert notary.doubt is None
    assert [one.origin for one in file_in(tmp_path).held()] == [f"{ORIGIN}/2"]


def test_a_witness_alone_set_back_is_written_down_and_told_again(tmp_path: Path) -> None:
    _grown_and_saved(tmp_path)
    log = tmp_path / "witness.log"
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    with witnessed(tmp_path) as (ledger, notary):
        assert notary.doubt is None
        (entry,) = ledger.entries(kind="witness.behind")
        assert (entry.detail["told"], entry.detail["holds"]) == (8, 3)
    with witnessed(tmp_path) as (ledger, notary):
        assert (notary.doubt, len(ledger.entries(kind="witness.behind"))) == (None, 1)
    assert [one.size for one in file_in(tmp_path).held()] == [3, 8, 9]


class _Away(WitnessFile):
    """A witness that can be out of reach."""

    away = False

    def seen(self, probe: str) -> int:
        if _Away.away:
            raise UnreachableError
        return super().seen(probe)


def test_a_witness_out_of_reach_at_the_start_stops_the_house_until_it_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("haven.ledger.notary.AGAIN_S", 0.0)
    monkeypatch.setattr(_Away, "away", True)
    away = _Away(tmp_path / "witness.log", key_in(tmp_path).public)
    with Ledger.open(tmp_path / "books.sqlite") as ledger:
        view(ledger, 1)
    with witnessed(tmp_path, away) as (ledger, notary):
        assert notary.doubt is not None
        assert (notary.doubt.cause, notary.doubt.passing) == (Cause.UNREACHABLE, True)
        with pytest.raises(Refused):
            _reserve(ledger)
        monkeypatch.setattr(_Away, "away", False)
        _reserve(ledger)


def test_a_witness_out_of_reach_later_stops_nothing_and_is_told_when_it_is_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    away = _Away(tmp_path / "witness.log", key_in(tmp_path).public)
    with witnessed(tmp_path, away) as (ledger, notary):
        view(ledger, 1)
        notary.checkpoint(NOW)
        monkeypatch.setattr(_Away, "away", True)
        view(ledger, 1)
        kept = notary.checkpoint(NOW)
        assert kept is not None
        assert kept.size == 2
        _reserve(ledger)
        monkeypatch.setattr(_Away, "away", False)
        notary.checkpoint(NOW)
    assert [one.size for one in file_in(tmp_path).held()] == [1, 3]


class _Released:
    def __init__(self, note: str | None) -> None:
        self.note = note

    def last(self) -> str | None:
        return self.note


def test_books_older_than_the_last_release_answer_nothing_though_the_witness_is_as_old(tmp_path: Path) -> None:
    saved = _grown_and_saved(tmp_path)
    with witnessed(tmp_path) as (_, notary):
        note = notary.prove(1)["checkpoint"]
    put_back(saved, tmp_path)
    log = tmp_path / "witness.log"
    log.write_bytes(log.read_bytes()[: log.stat().st_size // 2])
    with witnessed(tmp_path) as (_, notary):
        assert notary.doubt is None, "ledger and witness of one backup agree: only the release tells"
    put_back(saved, tmp_path)
    with witnessed(tmp_path, released=_Released(note)) as (_, notary):
        assert notary.doubt is not None
        assert notary.doubt.cause is Cause.RELEASED


def test_a_release_of_before_a_decision_does_not_stop_the_books_after_it(tmp_path: Path) -> None:
    saved = _grown_and_saved(tmp_path)
    with witnessed(tmp_path) as (_, notary):
        released = _Released(notary.prove(1)["checkpoint"])
    put_back(saved, tmp_path)
    with witnessed(tmp_path, released=released) as (ledger, notary):
        _accept(ledger, notary, {})
        assert notary.doubt is None


@pytest.mark.parametrize("note", ["", "haven-test\n3\n", "another\n3\nAAAA\n\n"])
def test_a_damaged_checkpoint_of_the_last_release_is_noticed(tmp_path: Path, note: str) -> None:
    _grown_and_saved(tmp_path)
    with witnessed(tmp_path, released=_Released(note)) as (_, notary):
        assert notary.doubt is not None
        assert notary.doubt.cause in {Cause.RELEASED, Cause.KEY}


def test_the_last_releases_checkpoint_is_read_from_beside_the_bundles(tmp_path: Path) -> None:
    kept = LastCheckpoint(tmp_path)
    assert kept.last() is None
    kept.keep("note\n")
    assert kept.last() == "note\n"
    (tmp_path / "last.checkpoint").write_bytes(b"\xff")
    assert kept.last() == ""


def test_books_changed_behind_their_checkpoint_are_damaged(tmp_path: Path) -> None:
    with witnessed(tmp_path) as (ledger, notary):
        view(ledger, 300)
        notary.checkpoint(NOW)
    with Ledger.open(tmp_path / "books.sqlite") as ledger, ledger.transaction() as tx:
        tx.connection.exec_driver_sql("DROP TRIGGER entries_no_update")
        tx.connection.exec_driver_sql("UPDATE entries SET body = replace(body, '299', '298') WHERE seq = 300")
    with witnessed(tmp_path) as (_, notary):
        assert notary.doubt is not None
        assert notary.doubt.cause is Cause.DAMAGED


def test_proofs_of_open_books_hold(tmp_path: Path) -> None:
    public = key_in(tmp_path).public
    with witnessed(tmp_path) as (ledger, notary):
        view(ledger, 300)
        for entry in (1, 256, 257, 300):
            assert proofs.check(notary.prove(entry), public) == f"Entry {entry} is in the books of {ORIGIN} as they stood at 300 entries."
        shown = proofs.check(notary.prove_growth(7, 290), public)
        assert shown == f"The books of {ORIGIN} at 7 entries are the beginning of those at 290."
        for old, size in ((0, 3), (5, 3), (3, 301)):
            with pytest.raises(ValueError, match=r"grown|longer"):
                notary.prove_growth(old, size)
        with pytest.raises(ValueError, match="no such leaf"):
            notary.prove(301)


def test_a_proof_of_something_else_does_not_hold(tmp_path: Path) -> None:
    public = key_in(tmp_path).public
    with witnessed(tmp_path) as (ledger, notary):
        view(ledger, 20)
        inclusion, growth = notary.prove(5), notary.prove_growth(6, 20)
        body = ledger.read()
        with body as connection:
            text = connection.exec_driver_sql("SELECT body FROM entries WHERE seq = 5").scalar()
    assert proofs.check(inclusion | {"body": text}, public)
    wrong = [
        inclusion | {"body": f"{text} "},
        inclusion | {"entry": 6},
        inclusion | {"entry": True},
        inclusion | {"leaf": inclusion["path"][0]},
        inclusion | {"path": inclusion["path"][1:]},
        inclusion | {"path": "x"},
        inclusion | {"path": [5]},
        inclusion | {"path": ["AAAA"]},
        inclusion | {"checkpoint": None},
        inclusion | {"checkpoint": growth["old_checkpoint"]},
        inclusion | {"format": "haven-inclusion/2"},
        growth | {"old_checkpoint": growth["checkpoint"]},
        growth | {"path": []},
        [],
        None,
    ]
    for document in wrong:
        with pytest.raises(proofs.ProofError):
            proofs.check(document, public)
    with pytest.raises(proofs.ProofError):
        proofs.check(inclusion, open_or_make_key(tmp_path / "other").public)


def test_the_tree_of_a_checkpoint_is_that_of_the_entries_text(tmp_path: Path) -> None:
    with witnessed(tmp_path) as (ledger, notary):
        view(ledger, 300)
        kept = notary.checkpoint(NOW)
        edge = merkle.Edge()
        with ledger.read() as connection:
            for body in connection.exec_driver_sql("SELECT body FROM entries ORDER BY seq").scalars():
                edge.add(merkle.leaf(body))
    assert kept is not None
    assert kept.root == edge.root()


def test_two_processes_of_one_haven_share_a_witness(tmp_path: Path) -> None:
    with witnessed(tmp_path) as (first, one), witnessed(tmp_path) as (second, two):
        for number in range(5):
            view(first, 1)
            view(second, 2)
            assert one.checkpoint(later(minutes=number)) is not None
            view(second, 1)
            assert two.checkpoint(later(minutes=number) + timedelta(seconds=1)) is not None
        assert (one.doubt, two.doubt) == (None, None)
    assert file_in(tmp_path).unreadable() == 0


def test_what_custodians_read_names_numbers_only(tmp_path: Path) -> None:
    put_back(_grown_and_saved(tmp_path), tmp_path)
    with witnessed(tmp_path) as (_, notary):
        assert notary.doubt is not None
        assert "3 entries" in notary.doubt.sentence()
        for cause in Cause:
            assert "None" not in replace(notary.doubt, cause=cause, witnessed=None if cause is not Cause.BEHIND else 8).sentence()


def test_books_in_either_store_are_signed_witnessed_proved_and_audited(books_place: Place, tmp_path: Path) -> None:
    key = key_in(tmp_path)
    with Ledger.open(books_place) as ledger:
        notary = ledger.appoint(Appointment(key, ORIGIN, file_in(tmp_path)))
        assert notary.examine(NOW) is None
        for number in range(3):
            view(ledger, 200)
            _reserve(ledger, f"d{number}")
            assert notary.checkpoint(later(minutes=number)) is not None
        assert proofs.check(notary.prove(400), key.public)
        assert proofs.check(notary.prove_growth(201, 600), key.public)
        report = audit_verify(books_place, notary.evidence())
        assert (report.problems, report.remarks, report.entries) == ((), (), 603)
    assert [one.size for one in file_in(tmp_path).held()] == [201, 402, 603]


def test_an_audit_names_a_witness_that_has_seen_more_and_a_checkpoint_that_was_forged(tmp_path: Path) -> None:
    saved = _grown_and_saved(tmp_path)
    with witnessed(tmp_path) as (_, notary):
        evidence, note = notary.evidence(), notary.prove(1)["checkpoint"]
    whole = tmp_path / "books.sqlite"
    assert audit_verify(whole, evidence).problems == ()
    assert audit_verify(saved, evidence).problems == ("The books hold 3 entries, and their witness has seen 8.",)
    assert audit_verify(whole, replace(evidence, public=open_key(tmp_path / "keys").public)).whole
    stranger = open_or_make_key(tmp_path / "stranger")
    assert "not signed by the key of its time" in audit_verify(whole, replace(evidence, public=stranger.public, witness=None)).problems[0]
    assert not audit_verify(saved, replace(evidence, witness=None, released=note)).whole
    assert not audit_verify(whole, replace(evidence, witness=None, released="no note")).whole
    assert not audit_verify(whole, replace(evidence, witness=WitnessFile(tmp_path / "nowhere", evidence.public))).whole


def test_an_audit_after_a_decision_knows_what_was_agreed_to(tmp_path: Path) -> None:
    saved = _grown_and_saved(tmp_path)
    put_back(saved, tmp_path)
    with witnessed(tmp_path) as (ledger, notary):
        view(ledger, 2)  # entries of their own, beside those that were lost
        notary.examine(NOW)
        _accept(ledger, notary)
        view(ledger, 300)
        notary.checkpoint(NOW)
        assert audit_verify(tmp_path / "books.sqlite", notary.evidence()).problems == ()
    put_back(saved, tmp_path)
    assert not audit_verify(tmp_path / "books.sqlite", notary.evidence()).whole


def test_an_audit_after_a_new_key_checks_each_checkpoint_with_the_key_of_its_time(tmp_path: Path) -> None:
    _grown_and_saved(tmp_path)
    shutil.rmtree(tmp_path / "keys")
    with witnessed(tmp_path) as (ledger, notary):
        _accept(ledger, notary, {})
        view(ledger, 5)
        notary.checkpoint(NOW)
        report = audit_verify(tmp_path / "books.sqlite", notary.evidence())
    assert report.problems == ()
    assert "an earlier key" in report.remarks[0]
