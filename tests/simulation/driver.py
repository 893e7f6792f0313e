"""One seed, one run: clients, crashes, power cuts, pauses and clocks in an order that the seed decides, checked after each step.

Clients are greenlets: each stops before and after every durable act, and the seed says who goes on next, whose process is killed there,
or whether the power goes while that very act is being written.
"""

import json
import random
import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import greenlet

from haven.errors import Fault, HavenError, Refused
from haven.ledger.audit import audit_verify
from haven.ledger.entries import Reservation
from haven.ledger.registry import PolicyKind, State
from haven.ledger.revocations import Revocable, propose_revocation
from haven.mediator.answers import Answer, Question
from haven.mediator.batches import Batch, Item
from haven.mediator.policy_changes import PolicyChanges
from haven.policy.caps import caps_of
from haven.policy.roles import Principal
from haven.release import AnswerDraft, FileDraft
from haven.release.criteria import APPROVING, REJECTING
from haven.release.verify import verify_bundle
from tests.simulation import simulated_house as house
from tests.simulation.plain_model import Known, Maybe, Model
from tests.simulation.simulated_house import IN_DOUBT, KEEPER, PROJECTS, SECOND, START, TABLES, Process

ASKERS, CHECKERS = (house.ANNA, house.BEN), (house.CORA, house.CARL, house.MIRA)
APPROVES, REJECTS = next(iter(APPROVING)), next(iter(REJECTING))
NAMES = ("one", "two")


class Killed(greenlet.GreenletExit):
    """The process of this client is gone."""


@dataclass
class Client:
    """One request on its way: what it does, where it stands, and which spends were taken for it."""

    number: int
    process: Process
    what: str
    run: greenlet.greenlet
    where: str = "begin"
    spends: list[str] = field(default_factory=list)


@dataclass(frozen=True)
class Run:
    """What one seed came to. `transcript` ends with the digest of the books' last entry."""

    seed: int
    transcript: tuple[str, ...]
    counts: Counter[str]
    problems: tuple[str, ...]


def run(seed: int, template: Path, place: Path) -> Run:
    """The run of `seed`, on copies of the books in `template`, in the empty directory `place`."""
    dice = random.Random(seed)  # noqa: S311 - the order of events, not secrets
    with house.determined(dice):
        simulation = Simulation(dice, template, place)
        try:
            simulation.go()
        finally:
            simulation.close()
            simulation.model.look_at(None)
    model = simulation.model
    return Run(seed, tuple(simulation.transcript), model.counts, tuple(model.problems))


class Simulation:
    """The scheduler, and what happens."""

    def __init__(self, dice: random.Random, template: Path, place: Path) -> None:
        self.dice, self.place, self.now = dice, place, START
        self.model, self.transcript, self.clients = Model(), [], []  # type: Model, list[str], list[Client]
        self.main = greenlet.getcurrent()
        self.current: Client | None = None
        self.tearing = False
        self.number = self.generation = 0
        self.asked: list[tuple[Principal, Question]] = []
        self.receipts: list[tuple[str, str]] = []
        self.dataset_shares = dict.fromkeys(house.DATASETS, house.EPSILON)
        self.project_shares = dict.fromkeys(PROJECTS, 0.8)
        self.home = place / "0"
        shutil.copytree(template, self.home)
        self.model.look_at(self.file)
        self._set_caps()
        self.processes: dict[str, Process] = {}
        for name in NAMES:
            self._start(name)

    @property
    def file(self) -> Path:
        return self.home / "books.sqlite"

    def clock(self) -> datetime:
        return self.now

    # what a process tells

    def pause(self, _process: Process, where: str) -> None:
        client = self.current
        if client is None or greenlet.getcurrent() is self.main:
            return
        client.where = where
        self.main.switch()

    def booked(self, process: Process, act: str, spend: Reservation) -> None:
        known = None
        if act == "reserve":
            accounts = (f"population:{spend.population}", f"dataset:{spend.dataset}", f"project:{spend.project}/{spend.dataset}")
            known = Known(spend.price.pico, accounts, spend.reserved_at, process.name)
        if self.tearing:
            self.model.maybes.append(Maybe(act, spend.id, known))
        elif known is not None:
            self.model.reserved(spend.id, known, (spend.actor, spend.project, spend.dataset))
            if self.current is not None:
                self.current.spends.append(spend.id)
        else:
            self.model.ended(spend.id, "void" if act == "void" else "posted")

    def looked(self, reservation: Reservation) -> None:
        if self.model.spends[reservation.id].state not in {"reserved", "posted"}:
            self.model.wrong("the engine looked without a reservation")

    # the scheduler

    def go(self) -> None:
        events = (self._request, self._resume, self._disturb)
        for _ in range(self.dice.randrange(25, 60)):
            self.now += timedelta(seconds=self.dice.randrange(60))
            self.dice.choices(events, (5, 9, 1))[0]()
            self.model.check()
        for name in NAMES:
            self._start(name)
        while self.clients:
            self._resume()
            self.model.check()
        self._end()

    def _end(self) -> None:
        first = self.processes[NAMES[0]]
        if first.ledger.sweep(self.now, timedelta(0)) != self.model.swept(self.now, timedelta(0)):
            self.model.wrong("the last sweep did not post what was in flight")
        first.desk.conclude_all(self.now)
        self.model.check()
        self.model.check_answers()
        self.model.check_overcount()
        for release in first.desk.register():
            bundle = self.place / "bundle.zip"
            bundle.write_bytes(first.desk.bundle(house.ANNA, release.id, self.now))
            if not verify_bundle(bundle, first.desk.public_key).whole:
                self.model.wrong("a bundle does not verify")
            self.model.counts["released"] += 1
        if {"decided", "signed"} & {state for name, state in self.model.seen.items() if name.startswith("rel-")}:
            self.model.wrong("what was decided did not leave")
        self.close()
        self.model.look_at(None)
        report = audit_verify(self.file)
        if not report.whole:
            self.model.wrong(f"the audit found: {report.problems[0]}")
        self._say(f"end {report.entries} {report.head}")

    def _request(self) -> None:
        process = self._process()
        kinds: tuple[tuple[Callable[[Process], None], int], ...] = (
            (self._ask, 10), (self._ask_again, 4), (self._batch, 2), (self._call_back, 2), (self._release, 3), (self._review, 5),
        )  # fmt: skip
        self.dice.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0](process)

    def _disturb(self) -> None:
        self.model.counts["disturbances"] += 1
        kinds = (
            (self._kill, 5), (self._cut, 2), (self._tear, 5), (self._jump, 3), (self._stop, 3),
            (self._lower, 3), (self._revoke, 1), (self._sweep, 2),
        )  # fmt: skip
        self.dice.choices([kind for kind, _ in kinds], [weight for _, weight in kinds])[0]()

    def _resume(self, client: Client | None = None) -> None:
        if client is None:
            if not self.clients:
                return
            client = self.dice.choice(self.clients)
        self.current = client
        client.run.switch()
        self.current = None
        if client.run.dead or client.what.startswith("batch"):
            client.process.settle()
        if client.run.dead:
            self.clients.remove(client)
        else:
            self._say(f"{client.number} stands {client.where}")

    def _begin(self, process: Process, what: str, act: Callable[[Client], str]) -> None:
        self.number += 1

        def body() -> None:
            outcome = act(client)
            if not self.tearing:
                self._say(f"{client.number} {outcome}")
                self.model.counts[outcome.split()[0]] += 1

        client = Client(self.number, process, what, greenlet.greenlet(body, self.main))
        self.clients.append(client)
        self._say(f"{self.number} begins {what} at {process.name}")
        self._resume(client)

    def _process(self) -> Process:
        name = self.dice.choice(NAMES)
        if not self.processes[name].alive:
            self._start(name)
        return self.processes[name]

    def _start(self, name: str) -> None:
        if name in self.processes and self.processes[name].alive:
            return
        self.model.swept(self.now, IN_DOUBT)
        self.processes[name] = Process(name, self.home, self.dice, self.clock, self)
        self._say(f"process {name} starts")

    def close(self) -> None:
        for process in self.processes.values():
            if process.alive:
                self._drop(process)

    def _drop(self, process: Process) -> None:
        for client in [one for one in self.clients if one.process is process]:
            self.clients.remove(client)
            client.run.throw(Killed())
        process.close()
        self.model.killed(process.name)

    def _say(self, line: str) -> None:
        self.transcript.append(f"{self.now.isoformat()} {line}")

    # requests

    def _told(self, client: Client, act: Callable[[], str]) -> str:
        """What the client heard in the end."""
        try:
            return act()
        except Refused as refused:
            if not self.tearing:
                self.model.refused(client.spends)
            return f"refused {refused.code.value}"
        except Fault as fault:
            if not self.tearing:
                self.model.faulted(client.spends)
            return f"fault {fault.code.value}"

    def _question(self) -> tuple[Principal, Question]:
        project = self.dice.choice(sorted(PROJECTS))
        sql = self._sql(self.dice.choice(PROJECTS[project]))
        key = f"key-{self.number}" if self.dice.random() < 0.8 else None
        epsilon = Decimal(self.dice.choice(("0.05", "0.1", "0.2", "0.3", "0.5")))
        replay = self.dice.random() < 0.5
        return self.dice.choice(ASKERS), Question(project, sql, epsilon=epsilon, idempotency_key=key, replay=replay)

    def _sql(self, dataset: str) -> str:
        table = f"{dataset}.{TABLES[dataset]}"
        return self.dice.choice((
            f"SELECT COUNT(*) AS n FROM {table} WHERE age > {self.dice.randrange(4)}",  # noqa: S608 - a question
            f"SELECT site, COUNT(*) AS n FROM {table} GROUP BY site",  # noqa: S608 - a question
            f"SELECT SUM(age) AS s FROM {table}",  # noqa: S608 - a question
        ))  # fmt: skip

    def _ask(self, process: Process) -> None:
        who, question = self._question()
        self.asked.append((who, question))
        self._put(process, who, question)

    def _ask_again(self, process: Process) -> None:
        """The same request under its key, or, now and then, another one."""
        if not self.asked:
            return
        who, question = self.dice.choice(self.asked)
        if self.dice.random() < 0.2:
            question = Question(question.project, question.sql, epsilon=Decimal("0.07"), idempotency_key=question.idempotency_key)
        self._put(process, who, question)

    def _put(self, process: Process, who: Principal, question: Question) -> None:
        def act(client: Client) -> str:
            return self._told(client, lambda: self._heard(process.mediator.ask(question, who), who, question))

        self._begin(process, f"ask {question.idempotency_key} by {who.name}: {question.sql} for {question.epsilon}", act)

    def _heard(self, answer: Answer, who: Principal, question: Question) -> str:
        if self.tearing:
            return "unheard"
        receipt = answer.receipt["id"]
        key = None if question.idempotency_key is None else (who.name, question.project, question.idempotency_key)
        self.model.answered(receipt, json.dumps(answer.rows), key, question.digest)
        self.receipts.append((question.project, receipt))
        return f"answered {receipt} {answer.rows}"

    def _batch(self, process: Process) -> None:
        who, question = self._question()
        datasets = PROJECTS[question.project]
        dataset = self.dice.choice(datasets)
        items = tuple(Item(self._sql(dataset)) for _ in range(self.dice.randrange(1, 4)))
        batch = Batch(question.project, items, epsilon=question.epsilon, idempotency_key=question.idempotency_key)

        def asked() -> str:
            told = process.mediator.ask_batch(batch, who)
            if self.tearing:
                return "unheard"
            for one in told.answers:
                self.model.answered(one.receipt["id"], json.dumps(one.rows), None, "")
                self.receipts.append((batch.project, one.receipt["id"]))
            return f"answered {' '.join(one.receipt['id'] for one in told.answers)}"

        def act(client: Client) -> str:
            try:
                told = asked()
            except Refused as refused:
                return self._partly(client, "refused", refused)
            except Fault as fault:
                return self._partly(client, "fault", fault)
            self._paid(client)
            return told

        self._begin(process, f"batch {batch.idempotency_key} by {who.name}: {len(items)}", act)

    def _partly(self, client: Client, word: str, error: HavenError) -> str:
        """A batch that stops half-way has paid for the releases that it booked: its asker is told, and sends it again under its key."""
        self._paid(client)
        return f"{word} {error.code.value}"

    def _paid(self, client: Client) -> None:
        if not self.tearing:
            for spend in client.spends:
                self.model.spends[spend].told = "batch"

    def _call_back(self, process: Process) -> None:
        waiting = [(who, question) for who, question in self.asked if question.idempotency_key is not None]
        if not waiting:
            return
        who, question = self.dice.choice(waiting[-3:])
        did = process.mediator.call_back(str(question.idempotency_key), who)
        self._say(f"call back {question.idempotency_key} at {process.name}: {did}")
        self.model.counts[f"called back {did}"] += 1

    def _release(self, process: Process) -> None:
        if not self.receipts:
            return
        project, receipt = self.dice.choice(self.receipts)
        drafts: list[AnswerDraft | FileDraft] = [AnswerDraft(receipt, "a figure of the answer")]
        if self.dice.random() < 0.2:
            drafts.append(FileDraft("notes.md", b"# Notes\n"))

        def act(client: Client) -> str:
            def ask() -> str:
                return f"requested {process.desk.request(house.ANNA, project, 'A title', 'For table 1.', drafts, self.now)}"

            return self._told(client, ask)

        self._begin(process, f"release of {receipt}", act)

    def _review(self, process: Process) -> None:
        checker = self.dice.choice(CHECKERS)
        queue = sorted(process.desk.queue(checker, self.now), key=lambda one: one.id)
        if not queue:
            return
        release, approves = self.dice.choice(queue).id, self.dice.random() < 0.8

        def review() -> str:
            if approves:
                self.model.approving.setdefault(release, set()).add(checker.name)
                decided = process.desk.approve(checker, release, APPROVES, "It may leave.", self.now)
            else:
                decided = process.desk.reject(checker, release, REJECTS, "It may not.", self.now)
            if decided and approves and not self.tearing:
                self.model.decided.add(release)
            return f"reviewed {release} decided={decided}"

        self._begin(process, f"{checker.name} reviews {release}: {approves}", lambda client: self._told(client, review))

    # disturbances

    def _kill(self) -> None:
        """One process is gone, as by kill -9: nothing of its memory is left."""
        process = self._process()
        self._say(f"kill {process.name}")
        self._drop(process)
        self.model.counts["kills"] += 1

    def _cut(self, log: bytes | None = None) -> None:
        """The power goes: every process dies, and of what was not synced any part may be gone."""
        following = self.place / str(self.generation + 1)
        following.mkdir()
        how = house.power_cut(self.home, following, log, self.dice)
        self._say(f"power cut: {how}")
        for process in self.processes.values():
            if process.alive:
                self._drop(process)
        shutil.rmtree(self.home)
        self.home, self.generation = following, self.generation + 1
        self.model.look_at(self.file)
        self.tearing = False
        self.model.resolve(how)
        self.model.check()
        self.model.check_answers()
        self.model.counts["power cuts"] += 1

    def _tear(self) -> None:
        """The power goes while an act is being written."""
        ready = [client for client in self.clients if client.where.startswith("before ")]
        if not ready:
            return
        client = self.dice.choice(ready)
        log = self.file.with_name("books.sqlite-wal")
        before = log.read_bytes() if log.exists() else b""
        self._say(f"torn: {client.number} {client.where}")
        self.tearing = True
        self._resume(client)
        self._cut(before)
        self.model.counts["torn writes"] += 1

    def _jump(self) -> None:
        by = self.dice.choice((timedelta(days=365), timedelta(days=-365), timedelta(seconds=1), timedelta(seconds=-1), -2 * IN_DOUBT))
        self.now += by
        self._say(f"clock {by}")
        self.model.counts["clock jumps"] += 1

    def _stop(self) -> None:
        """Pause or resume a dataset, suspend or resume a project or a person."""
        process, name = self._process(), self.dice.choice([*house.DATASETS, *PROJECTS, house.BEN.name])
        stopping = name not in self.model.stopped and self.dice.random() < 0.6
        try:
            if name == house.BEN.name:
                (process.ledger.people.suspend_user if stopping else process.ledger.people.resume_user)(
                    name, "A reason.", actor=KEEPER.name, now=self.now
                )
            else:
                kind = PolicyKind.DATASET if name in house.DATASETS else PolicyKind.PROJECT
                stopped = State.PAUSED if kind is PolicyKind.DATASET else State.SUSPENDED
                process.ledger.registry.set_state(kind, name, stopped if stopping else State.ACTIVE, "A reason.", KEEPER.name, self.now)
        except Refused as refused:
            self._say(f"{name} stays as it is: {refused.code.value}")
            return
        (self.model.stopped.add if stopping else self.model.stopped.discard)(name)
        self._say(f"{name} {'stopped' if stopping else 'goes on'}")
        self.model.counts["pauses"] += 1

    def _revoke(self) -> None:
        """Two custodians revoke a researcher or a project for good."""
        process = self._process()
        what, name = self.dice.choice(((Revocable.USER, house.BEN.name), (Revocable.PROJECT, "both")))
        try:
            proposal = propose_revocation(process.ledger.proposals, what, name, "A reason.", actor=KEEPER.name, now=self.now)
            process.ledger.proposals.confirm(proposal.id, "Agreed.", actor=SECOND.name, now=self.now)
        except Refused as refused:
            self._say(f"{name} is not revoked: {refused.code.value}")
            return
        self.model.stopped.add(name)
        self._say(f"{name} revoked")
        self.model.counts["revocations"] += 1

    def _lower(self) -> None:
        """A new version of a policy gives less, maybe less than is spent."""
        process = self._process()
        changes = PolicyChanges(process.ledger, process.policies)
        name, factor = self.dice.choice([*house.DATASETS, *PROJECTS]), self.dice.choice((0.3, 0.6, 0.9))
        if name in house.DATASETS:
            share = round(self.dataset_shares[name] * factor, 4)
            change = changes.of_dataset(json.dumps(house.dataset_policy(name, share)))
        else:
            share = round(self.project_shares[name] * factor, 4)
            try:
                change = changes.of_project(json.dumps(house.project_policy(name, share)))
            except Refused as refused:
                self._say(f"{name} keeps its share: {refused.code.value}")
                return
        changes.submit(change, "A reason.", actor=KEEPER.name, now=self.now)
        (self.dataset_shares if name in house.DATASETS else self.project_shares)[name] = share
        self._set_caps()
        self._say(f"{name} may spend {share}")
        self.model.counts["budgets lowered"] += 1

    def _sweep(self) -> None:
        process = self._process()
        if process.ledger.sweep(self.now, IN_DOUBT) != self.model.swept(self.now, IN_DOUBT):
            self.model.wrong("a sweep did not post exactly what is in doubt")
        self._say("sweep")

    def _set_caps(self) -> None:
        for project, datasets in PROJECTS.items():
            for dataset in datasets:
                text = json.dumps(house.dataset_policy(dataset, self.dataset_shares[dataset]))
                of_dataset = house.parsed_dataset(text, "p.yaml", bench=True)
                of_project = house.parsed_project(
                    json.dumps(house.project_policy(project, self.project_shares[project])), "p.yaml", bench=True
                )
                caps = caps_of(of_dataset, of_project)
                self.model.caps |= {
                    "population:people": caps.population.pico,
                    f"dataset:{dataset}": caps.dataset.pico,
                    f"project:{project}/{dataset}": caps.project.pico,
                }
