"""Every public method that writes to the books leaves an entry: found by reading the source, so that a new one cannot be forgotten."""

import ast
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

import haven
from haven.errors import Code, Refused
from haven.ledger.days import Whose
from haven.ledger.entries import Reservation, Serving
from haven.ledger.events import SENTENCES, Kind, in_words
from haven.ledger.ledger import Free, Ledger
from haven.ledger.noticing import Noticed
from haven.ledger.people import People
from haven.ledger.proposals import Proposals
from haven.ledger.registry import NewSnapshot, PolicyKind, Registry, State
from haven.policy.roles import Role
from haven.privacy.budget import Definition
from haven.release.desk import ReleaseDesk
from haven.release.items import FileDraft
from haven.release.reviewing import Judgement
from tests.support import release_world
from tests.support.books import ANSWER, NOW, caps, later, permit, plan, rho
from tests.support.release_world import AUTHOR, CHECKER, CUSTODIAN, World
from tests.support.writing_methods import writing_methods

ROOMS = (Ledger, People, Registry, Proposals, Noticed, ReleaseDesk)
PASSWORD = "four words in rows"  # noqa: S105 - of a test's account
NO_ACT_ITSELF = {
    "Ledger.transaction": "it lends the writer: what is done with it, its borrower records",
}


@dataclass(frozen=True)
class Scene:
    """Books with people, a policy and a release desk."""

    world: World

    @property
    def ledger(self) -> Ledger:
        return self.world.ledger

    @property
    def desk(self) -> ReleaseDesk:
        return self.world.desk

    def reserve(self) -> Reservation:
        return self.ledger.reserve(plan(rho(5)), permit(caps(rho(100))), 1, NOW)

    def draft(self) -> str:
        return self.desk.create(AUTHOR, "liver", "Counts", "For table 1.", self.world.drafts(), self.world.clock())

    def submitted(self) -> str:
        return self.world.submitted()

    def item(self, release: str) -> tuple[str, str]:
        one = self.desk.view(AUTHOR, release, self.world.clock()).items[0]
        return one.id, one.content

    def released(self) -> str:
        release = self.submitted()
        self.desk.approve(CHECKER, release, "check.safe", "Fine.", self.world.clock())
        return release

    def rejected(self) -> str:
        release = self.submitted()
        self.desk.reject(CHECKER, release, "check.no-context", "What is it?", self.world.clock())
        return release

    def proposed(self) -> str:
        detail = {"kind": "user", "name": "ada"}
        return self.ledger.proposals.propose("standing.revoked", "user:ada", detail, "misuse", actor="custos-a", now=NOW).id

    def token(self) -> str:
        self.ledger.people.issue_token("ada", NOW)
        return self.ledger.people.list_tokens("ada")[-1].id


@pytest.fixture(name="scene")
def _scene(tmp_path: Path) -> Scene:
    scene = Scene(release_world.build(tmp_path))
    for name, role in (("ada", Role.RESEARCHER), ("custos-a", Role.CUSTODIAN), ("custos-b", Role.CUSTODIAN)):
        scene.ledger.people.add_user(name, role, actor="setup", now=NOW)
    scene.ledger.people.set_password("ada", PASSWORD, actor="setup", now=NOW)
    scene.ledger.registry.add_policy(PolicyKind.DATASET, "cohort", "text", "digest", "setup", NOW)
    return scene


def free() -> Free:
    return Free("digest", Definition.ZCDP, permit(caps(rho(100))), 1, "SELECT 1")


Prepare = Callable[[Scene], Callable[[], object]]


def at_once(act: Callable[[Scene], object]) -> Prepare:
    """An act that needs nothing before it."""
    return lambda scene: lambda: act(scene)


def vote(scene: Scene) -> Callable[[], object]:
    release = scene.submitted()
    item, content = scene.item(release)
    judgement = Judgement(approves=True, rule="check.safe", reason="Fine.")
    return lambda: scene.desk.vote(CHECKER, release, item, content, judgement, scene.world.clock())


def decided(scene: Scene) -> Callable[[], object]:
    """A request that a crash left decided, not signed."""
    release = scene.submitted()
    scene.desk.reviewing.approve(CHECKER, release, "check.safe", "Fine.", scene.world.clock())
    return lambda: scene.desk.conclude_all(scene.world.clock())


def on(make: Callable[[Scene], str], act: Callable[[Scene, str], object]) -> Prepare:
    """An act on something made before it."""

    def prepare(scene: Scene) -> Callable[[], object]:
        made = make(scene)
        return lambda: act(scene, made)

    return prepare


def reserved(act: Callable[[Ledger, Reservation], object]) -> Prepare:
    def prepare(scene: Scene) -> Callable[[], object]:
        reservation = scene.reserve()
        return lambda: act(scene.ledger, reservation)

    return prepare


def view_file(scene: Scene, release: str) -> bytes:
    item = scene.desk.view(CHECKER, release, scene.world.clock()).items[-1]
    return scene.desk.file(CHECKER, release, item.id, next(iter(item.files)), scene.world.clock())


ACTS: dict[str, Prepare] = {
    "Ledger.reserve": at_once(Scene.reserve),
    "Ledger.post": reserved(lambda ledger, one: ledger.post(one, ANSWER, "pass", NOW)),
    "Ledger.post_free": at_once(lambda scene: scene.ledger.post_free(free(), ANSWER, "pass", NOW, Serving())),
    "Ledger.post_fault": reserved(lambda ledger, one: ledger.post_fault(one, NOW)),
    "Ledger.void": reserved(lambda ledger, one: ledger.void(one, "cancelled", NOW)),
    "Ledger.sweep": reserved(lambda ledger, _: ledger.sweep(later(hours=1), later(hours=1) - NOW)),
    "Ledger.record": at_once(lambda scene: scene.ledger.record(Kind.BOOKS_EXPORTED, "aud", {}, NOW)),
    "People.add_user": at_once(lambda scene: scene.ledger.people.add_user("new", Role.CHECKER, actor="op", now=NOW)),
    "People.set_password": at_once(lambda scene: scene.ledger.people.set_password("ada", PASSWORD, actor="op", now=NOW)),
    "People.verify_password": at_once(lambda scene: scene.ledger.people.verify_password("ada", PASSWORD, NOW)),
    "People.log_out": at_once(lambda scene: scene.ledger.people.log_out("ada", NOW)),
    "People.suspend_user": at_once(lambda scene: scene.ledger.people.suspend_user("ada", "misuse", actor="op", now=NOW)),
    "People.resume_user": at_once(lambda scene: scene.ledger.people.resume_user("ada", "settled", actor="op", now=NOW)),
    "People.issue_token": at_once(lambda scene: scene.ledger.people.issue_token("ada", NOW)),
    "People.revoke_token": on(Scene.token, lambda scene, token: scene.ledger.people.revoke_token(token, actor="op", now=NOW)),
    "Registry.add_policy": at_once(lambda scene: scene.ledger.registry.add_policy(PolicyKind.PROJECT, "p", "t", "d", "op", NOW)),
    "Registry.add_dataset": at_once(
        lambda scene: scene.ledger.registry.add_dataset("new", "t", "d2", NewSnapshot(1, b"salt", "f"), "op", NOW)
    ),
    "Registry.add_snapshot": at_once(lambda scene: scene.ledger.registry.add_snapshot("cohort", 1, b"salt", "f", "op", NOW)),
    "Registry.renew": at_once(lambda scene: scene.ledger.registry.renew("cohort", NewSnapshot(1, b"salt", "f", withdrawn=True), "op", NOW)),
    "Registry.note_withdrawal": at_once(
        lambda scene: scene.ledger.registry.note_withdrawal("cohort", date(2026, 4, 1), "op", NOW, stops=False)
    ),
    "Registry.set_state": at_once(
        lambda scene: scene.ledger.registry.set_state(PolicyKind.DATASET, "cohort", State.PAUSED, "an incident", "op", NOW)
    ),
    "Proposals.propose": at_once(Scene.proposed),
    "Proposals.confirm": on(Scene.proposed, lambda scene, one: scene.ledger.proposals.confirm(one, "Yes.", actor="custos-b", now=NOW)),
    "Proposals.decline": on(Scene.proposed, lambda scene, one: scene.ledger.proposals.decline(one, "No.", actor="custos-b", now=NOW)),
    "Proposals.withdraw": on(Scene.proposed, lambda scene, one: scene.ledger.proposals.withdraw(one, "Oh.", actor="custos-a", now=NOW)),
    "Noticed.once": at_once(lambda scene: scene.ledger.noticed.once(Kind.ENTRIES_VIEWED, "aud", {}, NOW)),
    "Noticed.refused": at_once(lambda scene: scene.ledger.noticed.refused(Whose("cohort", "p", "ada"), Code.QUERY_SYNTAX, NOW)),
    "Noticed.replayed": at_once(lambda scene: scene.ledger.noticed.replayed(Whose("cohort", "p", "ada"), "q-1", Definition.ZCDP, NOW)),
    "ReleaseDesk.create": at_once(Scene.draft),
    "ReleaseDesk.request": at_once(Scene.submitted),
    "ReleaseDesk.edit": on(Scene.draft, lambda s, one: s.desk.edit(AUTHOR, one, [FileDraft("n.md", b"# New\n")], s.world.clock())),
    "ReleaseDesk.submit": on(Scene.draft, lambda s, one: s.desk.submit(AUTHOR, one, s.world.clock())),
    "ReleaseDesk.withdraw": on(Scene.draft, lambda s, one: s.desk.withdraw(AUTHOR, one, s.world.clock())),
    "ReleaseDesk.vote": vote,
    "ReleaseDesk.give_back": on(Scene.submitted, lambda s, one: s.desk.give_back(CHECKER, one, "Say more.", s.world.clock())),
    "ReleaseDesk.approve": on(Scene.submitted, lambda s, one: s.desk.approve(CHECKER, one, "check.safe", "Fine.", s.world.clock())),
    "ReleaseDesk.reject": on(Scene.submitted, lambda s, one: s.desk.reject(CHECKER, one, "check.no-context", "?", s.world.clock())),
    "ReleaseDesk.appeal": on(Scene.rejected, lambda s, one: s.desk.appeal(AUTHOR, one, "It says so.", s.world.clock())),
    "ReleaseDesk.revoke": on(Scene.released, lambda s, one: s.desk.revoke(CUSTODIAN, one, "A mistake.", s.world.clock())),
    "ReleaseDesk.expire": on(Scene.draft, lambda s, _: s.desk.expire(s.world.clock() + (later(days=400) - NOW))),
    "ReleaseDesk.conclude_all": decided,
    "ReleaseDesk.file": on(Scene.submitted, view_file),
    "ReleaseDesk.answer": on(Scene.submitted, lambda s, one: s.desk.answer(CHECKER, one, s.item(one)[0], s.world.clock())),
    "ReleaseDesk.bundle": on(Scene.released, lambda s, one: s.desk.bundle(AUTHOR, one, s.world.clock())),
}


def test_every_writing_method_is_known_here_by_name() -> None:
    found = {f"{room.__name__}.{name}" for room in ROOMS for name in writing_methods(room)}
    assert found == ACTS.keys() | NO_ACT_ITSELF.keys()


@pytest.mark.parametrize("name", ACTS)
def test_every_act_leaves_an_entry_of_a_known_kind(scene: Scene, name: str) -> None:
    act = ACTS[name](scene)
    before = len(list(scene.ledger.audit_export()))
    act()
    scene.ledger.record(Kind.BOOKS_EXPORTED, "test", {}, NOW)  # after what is written later
    added = list(scene.ledger.audit_export())[before:-1]
    assert added, f"{name} writes and leaves no entry"
    for entry in scene.ledger.entries_after(before, len(added)):
        assert in_words(entry)
        assert "—" not in in_words(entry)
        Kind(entry.kind)


@pytest.mark.parametrize("failing", [("verify_password", "wrong"), ("verify_password", "suspended")])
def test_a_failed_log_in_leaves_an_entry_too(scene: Scene, failing: tuple[str, str]) -> None:
    if failing[1] == "suspended":
        scene.ledger.people.suspend_user("ada", "misuse", actor="op", now=NOW)
    before = scene.ledger.entries(limit=1)[0].seq
    assert scene.ledger.people.verify_password("ada", PASSWORD if failing[1] == "suspended" else "a wrong one", NOW) is None
    (entry,) = scene.ledger.entries_after(before, 10)
    assert entry.kind == (Kind.ATTEMPT_REFUSED if failing[1] == "suspended" else Kind.LOGIN_FAILED)


def test_a_lock_is_an_entry(scene: Scene) -> None:
    for _ in range(5):
        scene.ledger.people.verify_password("ada", "a wrong one", NOW)
    (entry,) = scene.ledger.entries(kind=Kind.LOCKED)
    assert entry.detail["name"] == "ada"


def test_every_kind_has_a_sentence_and_every_entry_that_haven_writes_a_kind() -> None:
    assert set(SENTENCES) == set(Kind)
    kinds = {kind.value for kind in Kind}
    written = set()
    for path in Path(haven.__file__).parent.rglob("*.py"):
        for call in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr in {"append", "record"} and call.args:
                first = call.args[0]
                if isinstance(first, ast.Constant) and isinstance(first.value, str) and len(call.args) > 2:
                    assert re.fullmatch(r"[a-z]+\.[a-z_]+", first.value), (path, first.value)
                    written.add(first.value)
    assert written <= kinds


def test_what_is_noticed_is_noticed_once_a_day_and_counted_each_time(scene: Scene) -> None:
    whose = Whose("cohort", "p", "ada")
    for _ in range(7):
        scene.ledger.noticed.refused(whose, Code.QUERY_SYNTAX, NOW)
    scene.ledger.noticed.refused(whose, Code.QUERY_JOIN, NOW)
    Noticed(scene.ledger._store).refused(whose, Code.QUERY_SYNTAX, NOW)  # another process
    scene.ledger.noticed.refused(whose, Code.QUERY_SYNTAX, later(days=1))
    refusals = scene.ledger.entries(kind=Kind.ATTEMPT_REFUSED)
    assert [entry.detail["code"] for entry in refusals] == ["query.syntax", "query.join", "query.syntax"]
    with scene.ledger.read() as connection:
        rows = connection.exec_driver_sql("SELECT day, refused FROM days ORDER BY day").all()
    assert [tuple(row) for row in rows] == [("2026-03-01", 9), ("2026-03-02", 1)]


def test_an_act_that_is_refused_leaves_nothing(scene: Scene) -> None:
    before = scene.ledger.entries(limit=1)[0].seq
    with pytest.raises(Refused):
        scene.ledger.people.log_out("nobody", NOW)
    assert scene.ledger.entries(limit=1)[0].seq == before
