"""Choices: scores are best where SQL's value is, draws have the exact law of report noisy max, and the price covers every way to spread."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from itertools import combinations, pairwise, product
from typing import Any

import opendp.prelude as dp
import pytest
from scipy import stats

from haven.errors import Code, Refused
from haven.privacy.budget import PICO, Definition, Price
from haven.privacy.choices import Aim, Choice, Goal, plan_choice
from haven.privacy.mechanisms import Sensitivity
from haven.privacy.noise import WORTH_THREADS, add_noise
from haven.privacy.tables import ExactTable
from haven.privacy.units import ContributionBound

FALSE_ALARM = 1e-7
Z, P = Definition.ZCDP, Definition.PURE
ONE = ContributionBound(1, 1, 1)
MEDIAN, MODE = Goal(Aim.BETWEEN, 1, 2), Goal(Aim.COMMONEST)
GOALS = [
    *(
        MEDIAN,
        MODE,
        Goal(Aim.RANK),
        Goal(Aim.RANK, from_top=True),
        Goal(Aim.AT, 1, 2),
        Goal(Aim.AT, 1, 4),
        Goal(Aim.AT, 1, 4, from_top=True),
    ),
    *(Goal(Aim.TAIL, 1, 200), Goal(Aim.TAIL, 1, 200, from_top=True)),
    *(Goal(Aim.AT, 1, 1), Goal(Aim.BETWEEN, 1, 3), Goal(Aim.BETWEEN, 39, 40), Goal(Aim.AT, 199, 200)),
]
BOUNDS = [ONE, ContributionBound(4, 4, 4), ContributionBound(6, 2, 3), ContributionBound(7, 3, 3), ContributionBound(5, 9, 1)]


def planned(goal: Goal, candidates: int, definition: Definition = Z, pico: int = PICO // 2, bound: ContributionBound = ONE) -> Choice:
    return plan_choice(goal, candidates, Sensitivity(bound, goal.largest), Price(definition, pico))


def draws(choice: Choice, counts: Sequence[int], number: int) -> Counter[int]:
    table = ExactTable([(index,) for index in range(number)], [[tuple(counts)] * number])
    return Counter(add_noise(table, (choice,), None).columns[0])


def gumbel_law(scores: Sequence[int], scale: float) -> list[float]:
    """The exponential mechanism: weights e^(score/scale)."""
    weights = [math.exp((score - max(scores)) / scale) for score in scores]
    return [weight / math.fsum(weights) for weight in weights]


def exponential_law(scores: Sequence[int], scale: float) -> list[float]:
    """Permute-and-flip: in random order, the first whose coin of probability e^((score - best)/scale) shows heads."""
    heads = [math.exp((score - max(scores)) / scale) for score in scores]
    size = len(scores)

    def wins(index: int) -> Iterator[float]:
        others = [heads[other] for other in range(size) if other != index]
        for before in range(size):
            orders = math.factorial(before) * math.factorial(size - 1 - before) / math.factorial(size)
            yield from (orders * math.prod(1 - head for head in chosen) for chosen in combinations(others, before))

    return [heads[index] * math.fsum(wins(index)) for index in range(size)]


def p_value(seen: Counter[int], law: Sequence[float]) -> float:
    number = seen.total()
    statistic = math.fsum((seen[index] - number * share) ** 2 / (number * share) for index, share in enumerate(law))
    return float(stats.chi2.sf(statistic, len(law) - 1))


@pytest.mark.parametrize(("definition", "law"), [(Z, gumbel_law), (P, exponential_law)])
@pytest.mark.parametrize("goal", [MEDIAN, MODE, Goal(Aim.RANK), Goal(Aim.AT, 3, 4)])
def test_draws_have_exactly_the_law_of_report_noisy_max(
    goal: Goal, definition: Definition, law: Callable[[Sequence[int], float], list[float]]
) -> None:
    counts = (3, 1, 4, 0, 5, 2)
    choice = planned(goal, len(counts), definition, PICO * goal.largest**2 // 8 if definition is Z else PICO * goal.largest)
    scores = [int(score) for score in goal.scores(counts, choice.rank)]
    seen = draws(choice, counts, 20_000)
    assert p_value(seen, law(scores, choice.scale)) > FALSE_ALARM
    assert p_value(seen, law(scores, choice.scale * 1.25)) < FALSE_ALARM  # the test can tell


def test_every_group_has_a_draw_of_its_own() -> None:
    choice = planned(MODE, 2, pico=PICO)
    table = ExactTable([(index,) for index in range(4000)], [[(0, 0)] * 4000])
    (column,) = add_noise(table, (choice,), None).columns
    agreeing = sum(left == right for left, right in pairwise(column))
    assert stats.binomtest(agreeing, 3999, 0.5).pvalue > FALSE_ALARM


def datasets(values: int, most: int) -> Iterator[tuple[int, ...]]:
    """Every way to put up to `most` rows at `values` candidates."""
    yield from (counts for counts in product(range(most + 1), repeat=values) if 1 <= sum(counts) <= most)


def rows_of(counts: Sequence[int]) -> list[int]:
    return [index for index, count in enumerate(counts) for _ in range(count)]


@pytest.mark.parametrize(("p", "q"), [(1, 2), (1, 4), (2, 3), (1, 10), (9, 10), (39, 40)])
def test_an_interpolated_quantile_is_best_exactly_between_its_two_values(p: int, q: int) -> None:
    goal, alpha = Goal(Aim.BETWEEN, p, q), Fraction(p, q)
    for counts in datasets(4, 7):
        rows = rows_of(counts)
        place = alpha * (len(rows) - 1)
        low, high = rows[math.floor(place)], rows[math.ceil(place)]
        scores = goal.scores(counts)
        assert max(scores) == 0
        assert [index for index in range(4) if scores[index] == 0] == list(range(low, high + 1))


@pytest.mark.parametrize(("p", "q"), [(1, 2), (1, 4), (2, 3), (1, 10), (1, 1), (199, 200)])
@pytest.mark.parametrize("from_top", [False, True])
def test_a_discrete_quantile_is_best_at_its_value_alone(p: int, q: int, from_top: bool) -> None:  # noqa: FBT001 - a parameter of the test
    goal = Goal(Aim.AT, p, q, from_top=from_top)
    for counts in datasets(4, 7):
        rows = sorted(rows_of(counts), reverse=from_top)
        value = rows[math.ceil(Fraction(p, q) * len(rows)) - 1]
        scores = list(goal.scores(counts))
        assert [index for index in range(4) if scores[index] == max(scores)] == [value]


@pytest.mark.parametrize("rank", [1, 2, 5])
@pytest.mark.parametrize("from_top", [False, True])
def test_the_kth_value_is_best_alone_and_candidates_beyond_all_rows_score_k_less(rank: int, from_top: bool) -> None:  # noqa: FBT001 - same
    goal = Goal(Aim.RANK, from_top=from_top)
    for counts in datasets(4, 7):
        rows = sorted(rows_of(counts), reverse=from_top)
        scores = list(goal.scores(counts, rank))
        if len(rows) >= rank:
            assert [index for index in range(4) if scores[index] == max(scores)] == [rows[rank - 1]]
            assert max(scores) == 1
            beyond = range(rows[0] + 1, 4) if from_top else range(rows[0])
            assert all(scores[index] == 1 - rank for index in beyond)


@pytest.mark.parametrize("rank", [1, 2, 3])
@pytest.mark.parametrize("from_top", [False, True])
def test_a_tail_is_a_discrete_quantile_or_a_rank_whichever_is_further_in(rank: int, from_top: bool) -> None:  # noqa: FBT001 - same
    goal = Goal(Aim.TAIL, 1, 3, from_top=from_top)
    for counts in datasets(4, 8):
        rows = sorted(rows_of(counts), reverse=from_top)
        place = max(rank, math.ceil(Fraction(len(rows), 3)))
        scores = list(goal.scores(counts, rank))
        if place <= len(rows):
            assert [index for index in range(4) if scores[index] == max(scores)] == [rows[place - 1]]


def test_the_commonest_value_is_best() -> None:
    assert all(planned(MODE, 4).best(counts) == counts.index(max(counts)) for counts in datasets(4, 6))


def test_many_equal_rows_hold_the_median_against_the_gaps_beside_them() -> None:
    counts = (10, 0, 0, 6, 0, 5)
    assert planned(MEDIAN, 6).best(counts) == 3


def spreads(rows: int, groups: int, most: int) -> Iterator[tuple[int, ...]]:
    """Every way one unit can fill groups."""
    yield from (held for held in product(range(most + 1), repeat=min(groups, rows)) if sum(held) <= rows)


@pytest.mark.parametrize("bound", BOUNDS)
@pytest.mark.parametrize("goal", GOALS)
@pytest.mark.parametrize("definition", [Z, P])
def test_the_price_covers_every_way_to_spread_rows_over_groups(goal: Goal, bound: ContributionBound, definition: Definition) -> None:
    choice = planned(goal, 100, definition, bound=bound)
    scale, halves = Fraction(choice.scale), 1 if goal.monotonic else 2
    losses = []
    for held in spreads(bound.rows_per_unit, bound.groups_per_unit, bound.rows_per_group):
        epsilons = [halves * goal.largest * rows / scale for rows in held]
        losses.append(sum(epsilons) if definition is P else sum(epsilon**2 / 8 for epsilon in epsilons))
    assert max(losses) * PICO <= choice.price.pico <= PICO // 2
    assert choice.price.pico - max(losses) * PICO < 2  # and it is no more than it must be


@pytest.mark.parametrize("definition", [Z, P])
def test_the_price_covers_the_map_of_a_measurement_built_separately(definition: Definition) -> None:
    measure = dp.max_divergence() if definition is P else dp.zero_concentrated_divergence()
    choice = planned(Goal(Aim.BETWEEN, 3, 4), 50, definition, bound=ContributionBound(7, 3, 3))
    scores = dp.vector_domain(dp.atom_domain(T="i64")), dp.linf_distance(T="i64")
    measurement: Any = dp.m.make_noisy_max(*scores, measure, scale=choice.scale)
    full, rest = (Fraction(measurement.map(change)) for change in (9, 3))
    assert 2 * full + rest <= Fraction(choice.price.pico, PICO)


@pytest.mark.parametrize("definition", [Z, P])
@pytest.mark.parametrize("goal", GOALS)
def test_more_is_paid_for_less_noise_and_at_a_huge_price_the_best_is_drawn(goal: Goal, definition: Definition) -> None:
    scales = [planned(goal, 10, definition, pico).scale for pico in (PICO // 1000, PICO, 10**6 * PICO)]
    assert scales == sorted(scales, reverse=True)
    counts, dear = (0, 3, 1, 0, 7, 2, 0, 1, 0, 0), planned(goal, 10, definition, 10**9 * PICO)
    scores = goal.scores(counts, dear.rank)
    assert dear.rank == 1
    assert all(scores[index] == max(scores) for index in draws(dear, counts, 200))


@pytest.mark.parametrize("definition", [Z, P])
@pytest.mark.parametrize("goal", GOALS)
def test_the_rank_error_is_kept_as_often_as_said(goal: Goal, definition: Definition) -> None:
    counts = [2] * 300
    choice = planned(goal, 300, definition, PICO // 50)
    exact = {Aim.COMMONEST: 0, Aim.RANK: 1 if not goal.from_top else 600}.get(goal.aim, 0)
    if goal.aim in {Aim.AT, Aim.BETWEEN, Aim.TAIL}:
        exact = math.ceil(
            600 * (1 - Fraction(goal.numerator, goal.denominator) if goal.from_top else Fraction(goal.numerator, goal.denominator))
        )
    number = 400
    outside = 0
    for index, times in draws(choice, counts, number).items():
        low, high = 2 * index + 1, 2 * index + 2
        off = 0 if goal.aim is Aim.COMMONEST else max(0, low - exact - 1, exact - high - 1)
        outside += times * (off > choice.rank_error())
    assert stats.binomtest(outside, number, 0.05, alternative="greater").pvalue > FALSE_ALARM


@pytest.mark.parametrize("goal", [Goal(Aim.RANK), Goal(Aim.TAIL, 1, 200)])
def test_an_end_is_seldom_a_value_beyond_all_rows(goal: Goal) -> None:
    counts = [0] * 900 + [20] * 100
    choice = planned(goal, 1000, pico=PICO // 50)
    beyond = sum(times for index, times in draws(choice, counts, 400).items() if index < 900)
    assert choice.rank > 1
    assert stats.binomtest(beyond, 400, 0.05, alternative="greater").pvalue > FALSE_ALARM


@pytest.mark.parametrize("size", [0, 2**48, 2**62])
def test_counts_of_any_size_are_scored_in_62_bits(size: int) -> None:
    for goal in GOALS:
        scores = goal.scores([size] * 1024, 2**57)
        assert all(abs(int(score)) < 2**62 for score in scores)


def test_too_small_a_price_is_refused() -> None:
    for pico in (0, 1):
        with pytest.raises(Refused) as caught:
            planned(Goal(Aim.AT, 1, 1000), 10, P, pico, ContributionBound(2**20, 1, 2**20))
        assert caught.value.code is Code.BUDGET_TOO_SMALL


@pytest.mark.parametrize(("aim", "p", "q"), [(Aim.BETWEEN, 1, 1), (Aim.AT, 0, 1), (Aim.AT, 2, 4), (Aim.AT, 3, 2), (Aim.AT, 1, 1001)])
def test_a_goal_is_a_fraction_in_lowest_terms(aim: Aim, p: int, q: int) -> None:
    with pytest.raises(ValueError, match="lowest terms"):
        Goal(aim, p, q)


def test_no_two_goals_are_written_alike() -> None:
    assert len({str(goal) for goal in GOALS}) == len(GOALS)


def test_a_choice_has_candidates_and_its_goals_sensitivity() -> None:
    for candidates, largest in ((0, 1), (5000, 1), (10, 2)):
        with pytest.raises(ValueError, match="candidates"):
            plan_choice(MEDIAN, candidates, Sensitivity(ONE, largest), Price(Z, PICO))


@pytest.mark.parametrize("column", [[(1, 2, 3)], [3]])
def test_a_table_that_does_not_fit_its_choice_is_not_noised(column: list[int | tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match=r"fit each other|nothing else"):
        add_noise(ExactTable([("a",)], [column]), (planned(MEDIAN, 2),), None)


@pytest.mark.parametrize("definition", [Z, P])
def test_each_of_many_groups_with_many_candidates_gets_the_index_of_its_own_counts(definition: Definition) -> None:
    places = [(37 * group) % WORTH_THREADS for group in range(40)]
    groups = [tuple(10_000 * (index == place) for index in range(WORTH_THREADS)) for place in places]
    choice = planned(MODE, WORTH_THREADS, definition)
    table = ExactTable([(group,) for group in range(40)], [groups])
    assert add_noise(table, (choice,), None).columns == (tuple(places),)
