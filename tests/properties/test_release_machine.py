"""A machine that acts at random on real books, and a plain model beside it: nothing leaves but what the lane's checkers all approved."""

import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from haven.errors import Refused
from haven.policy.roles import Principal, Tier
from haven.release import FileDraft, Judgement
from haven.release.lanes import Lane
from tests.support.release_world import AUTHOR, CHECKER, COLLEAGUE, CUSTODIAN, MEMBER_CHECKER, SECOND, THIRD, build

ACTORS = (AUTHOR, COLLEAGUE, CHECKER, SECOND, THIRD, MEMBER_CHECKER, CUSTODIAN)
MAY_JUDGE = {CHECKER.name, SECOND.name, THIRD.name}
WORDS = (b"first words\n", b"other words\n")


class Desk(RuleBasedStateMachine):
    """One request of two texts. The model: the bytes of each item, and each checker's last word on these very bytes."""

    @initialize(tier=st.sampled_from([Tier.STANDARD, Tier.HIGH]))
    def open(self, tier: Tier) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.world = build(Path(self.folder.name), tier)
        self.release = self.world.desk.create(AUTHOR, "liver", "T", "C", self.drafts(0, 0), self.world.clock())
        self.said: dict[tuple[str, str], bool] = {}
        self.finished: set[str] = set()

    def drafts(self, first: int, second: int) -> list[FileDraft]:
        return [FileDraft("a.md", WORDS[first]), FileDraft("b.md", WORDS[second])]

    def contents(self) -> dict[str, str]:
        return {one.id: one.content for one in self.world.desk.view(AUTHOR, self.release, self.world.clock()).items}

    @rule(actor=st.sampled_from(ACTORS), act=st.sampled_from(["submit", "withdraw", "appeal"]))
    def author_act(self, actor: Principal, act: str) -> None:
        desk, now = self.world.desk, self.world.clock()
        try:
            if act == "submit":
                desk.submit(actor, self.release, now)
                self.finished = set()
            elif act == "withdraw":
                desk.withdraw(actor, self.release, now)
            else:
                desk.appeal(actor, self.release, "Again.", now)
        except Refused:
            return
        assert actor == AUTHOR

    @rule(actor=st.sampled_from(ACTORS), first=st.integers(0, 1), second=st.integers(0, 1))
    def edit(self, actor: Principal, first: int, second: int) -> None:
        try:
            self.world.desk.edit(actor, self.release, self.drafts(first, second), self.world.clock())
        except Refused:
            return
        assert actor == AUTHOR

    @rule(actor=st.sampled_from(ACTORS), item=st.sampled_from(["i1", "i2"]), yes=st.booleans())
    def vote(self, actor: Principal, item: str, yes: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
        content = self.contents()[item]
        judgement = Judgement(yes, "check.safe" if yes else "check.purpose", "Because.")
        try:
            self.world.desk.vote(actor, self.release, item, content, judgement, self.world.clock())
        except Refused:
            return
        assert actor.name in MAY_JUDGE
        self.said[actor.name, content] = yes

    @rule(actor=st.sampled_from(ACTORS))
    def give_back(self, actor: Principal) -> None:
        try:
            self.world.desk.give_back(actor, self.release, "More, please.", self.world.clock())
        except Refused:
            return
        assert actor.name in MAY_JUDGE

    @rule(actor=st.sampled_from(ACTORS), yes=st.booleans())
    def finish(self, actor: Principal, yes: bool) -> None:  # noqa: FBT001 - the same
        desk, contents = self.world.desk, self.contents().values()
        try:
            if yes:
                desk.approve(actor, self.release, "check.safe", "Fine.", self.world.clock())
            else:
                desk.reject(actor, self.release, "check.purpose", "No.", self.world.clock())
        except Refused:
            return
        assert actor.name in MAY_JUDGE
        self.finished.add(actor.name)
        for content in contents:
            self.said[actor.name, content] = self.said.get((actor.name, content), True) if yes else False

    @precondition(lambda self: hasattr(self, "release"))
    @invariant()
    def nothing_leaves_but_what_enough_checkers_approved(self) -> None:
        seen = self.world.desk.view(CUSTODIAN if self.submitted() else AUTHOR, self.release, self.world.clock())
        if seen.state.value != "released":
            return
        needed = Lane(seen.lane or "").checkers
        for item in seen.items:
            in_favour = {name for name in self.finished if self.said.get((name, item.content))}
            assert not seen.approved[item.id] or len(in_favour) >= needed

    def submitted(self) -> bool:
        return self.world.desk.view(AUTHOR, self.release, self.world.clock()).state.value != "draft"

    def teardown(self) -> None:
        if hasattr(self, "world"):
            self.world.ledger.close()
            self.folder.cleanup()


TestDesk = Desk.TestCase
TestDesk.settings = settings(max_examples=15, stateful_step_count=25, deadline=None, suppress_health_check=list(HealthCheck))
