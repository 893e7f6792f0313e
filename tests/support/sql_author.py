"""A grammar that writes questions: well-formed over the test world, now and then hostile, each from one number alone.

Most are answered; some are refused, for which any code is right. Nothing here knows what haven accepts.
"""

# ruff: noqa: S608, C901, PLR0911, PLR0912 - a grammar of questions is one branch a rule

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass

INTEGER, NUMBER, BOOLEAN, TEXT, DATE = "integer", "number", "boolean", "text", "date"


@dataclass(frozen=True, slots=True)
class Col:
    """A column that a question may name: as it is written, its type, and its bounds where it has any."""

    name: str
    type: str
    low: float | None = None
    high: float | None = None


PERSONS = (
    Col("age", INTEGER, 18, 98),
    Col("male", BOOLEAN),
    Col("smoker", BOOLEAN),
    Col("bmi", NUMBER, 10, 80),
    Col("income", INTEGER, 0, 5_000_000),
    Col("stage", TEXT),
    Col("town", TEXT),
    Col("born", DATE),
    Col("died", DATE),
    Col("weight", NUMBER),
    Col("visits", INTEGER),
)
LABS = (Col("test", TEXT), Col("site", TEXT), Col("value", NUMBER, 0, 500), Col("day", DATE), Col("grade", INTEGER, -3, 4))
VISITS = (
    Col("kind", TEXT),
    Col("clinic", TEXT),
    Col("code", TEXT),
    Col("day", DATE),
    Col("cost", NUMBER, 0, 10_000),
    Col("nights", INTEGER, 0, 30),
)
ICD = (Col("chapter", TEXT), Col("label", TEXT), Col("weight", INTEGER, 0, 9))
TABLES = {"persons": PERSONS, "labs": LABS, "visits": VISITS}
PAIRS = (("persons", "labs"), ("persons", "visits"), ("labs", "visits"), ("labs", "labs"), ("visits", "persons"))
WORDS = ("chol", "hdl", "er", "gp", "mild", "severe", "x", "K74", "Oslo", "a", "none", "digestive")
HOSTILE_TEXTS = ("", "%", "_", "it''s", "\\", "1e400", "nan", "ü", "-- no", "';", "2021-02-30", " " * 20)
HOSTILE_NUMBERS = ("1e308", "-1e308", "9007199254740993", "0.1e-300", "-0.0", "9223372036854775807", "1e400", "0", "-1", "2147483648")
HOSTILE_DATES = ("0001-01-01", "9999-12-31", "1969-12-31", "2012-02-29")


@dataclass(frozen=True, slots=True)
class Source:
    """What stands in FROM, the columns it offers, and how the unit is written."""

    text: str
    columns: tuple[Col, ...]
    unit: str = "id"

    def of(self, *types: str) -> list[Col]:
        """The columns of these types."""
        return [column for column in self.columns if column.type in types]


class Author:
    """Writes one question."""

    def __init__(self, seed: int) -> None:
        """Everything follows from `seed`."""
        self._draw = random.Random(f"question {seed}")  # noqa: S311 - a test's own questions
        self._ctes: list[str] = []

    def question(self) -> str:
        """A whole SELECT."""
        if self._chance(0.07):
            return self._above()
        source = self._source()
        items = self._keys(source)
        keys = len(items)
        items += [f"{self._aggregate(source)} AS v{index}" for index in range(self._draw.randint(1, 3))]
        sql = f"SELECT {', '.join(items)} FROM {source.text}"
        if self._chance(0.5):
            sql += f" WHERE {self._condition(source)}"
        if keys:
            sql += " GROUP BY " + self._grouping(keys)
            if self._chance(0.15):
                sql += " HAVING COUNT(*) > 2"
            if self._chance(0.3):
                sql += " ORDER BY " + self._one(lambda: ", ".join(str(index + 1) for index in range(keys)), lambda: "ALL")
        return f"WITH {', '.join(self._ctes)} {sql}" if self._ctes else sql

    def _above(self) -> str:
        """Windows beside groups, or aggregates of an answer's rows."""
        source = self._source()
        keys = [f"{self._key(source)} AS k{index}" for index in range(self._draw.randint(1, 2))]
        where = f" WHERE {self._condition(source)}" if self._chance(0.4) else ""
        names = [f"k{index}" for index in range(len(keys))]
        over = self._draw.choice(["", f"PARTITION BY {keys[-1].rsplit(' AS ', 1)[0]}"])
        windows = [
            f"SUM(COUNT(*)) OVER ({over}) AS w0",
            f"100.0 * COUNT(*) / SUM(COUNT(*)) OVER ({over}) AS w0",
            f"{self._draw.choice(['RANK', 'DENSE_RANK'])}() OVER ({over} ORDER BY COUNT(*) DESC) AS w0",
            f"MAX(COUNT(*)) OVER ({over}) - COUNT(*) AS w0",
            f"COUNT(*) FILTER (WHERE {self._condition(source, deep=False)}) - AVG(COUNT(*)) OVER () AS w0",
        ]
        items = [*keys, "COUNT(*) AS n", *([self._draw.choice(windows)] if self._chance(0.5) else [])]
        inner = f"SELECT {', '.join(items)} FROM {source.text}{where} GROUP BY {', '.join(names)}"
        asked = self._one(
            lambda: inner + " ORDER BY ALL",
            lambda: f"SELECT SUM(n) AS s, AVG(n) AS a, MAX(n) AS m, COUNT(*) AS c FROM ({inner}) AS q WHERE n > {self._draw.randint(0, 3)}",
            lambda: f"SELECT {names[0]}, SUM(n) AS s, COUNT(*) AS c, MEDIAN(n) AS d FROM ({inner}) AS q GROUP BY {names[0]} ORDER BY ALL",
            lambda: f"SELECT n, COUNT(*) AS c, COUNT({names[0]}) AS p FROM ({inner}) AS q GROUP BY n HAVING COUNT(*) > 0",
            lambda: f"SELECT DISTINCT {names[0]}, n > 2 AS b FROM ({inner}) AS q",
            lambda: f"SELECT AVG(s) AS a FROM (SELECT {names[-1]}, SUM(n) AS s FROM ({inner}) AS q GROUP BY {names[-1]}) AS u",
        )
        return f"WITH {', '.join(self._ctes)} {asked}" if self._ctes else asked

    def _chance(self, share: float) -> bool:
        return self._draw.random() < share

    def _one(self, *choices: Callable[[], str]) -> str:
        return self._draw.choice(choices)()

    def _grouping(self, keys: int) -> str:
        names = [f"k{index}" for index in range(keys)]
        match self._draw.randrange(12):
            case 0:
                return f"ROLLUP ({', '.join(names)})"
            case 1:
                return f"CUBE ({', '.join(names)})"
            case 2:
                return f"GROUPING SETS (({', '.join(names)}), ({names[0]}), ())"
            case 3 | 4:
                return ", ".join(str(index + 1) for index in range(keys))
            case _:
                return ", ".join(names)

    # what stands in FROM

    def _source(self) -> Source:
        made = self._draw.choices(
            [self._table, self._filtered, self._joined, self._coded, self._stacked, self._per_person, self._around, self._natural],
            [6, 3, 5, 2, 2, 5, 2, 1],
        )[0]()
        if self._chance(0.12) and made.text.startswith("("):
            self._ctes.append(f"r AS {made.text[: made.text.rindex(' AS ')]}")
            return Source("r", made.columns)
        return made

    def _table(self) -> Source:
        name = self._draw.choice([*TABLES])
        return Source(name, TABLES[name])

    def _filtered(self) -> Source:
        table = self._table()
        return Source(f"(SELECT * FROM {table.text} WHERE {self._condition(table)}) AS f", table.columns)

    def _joined(self) -> Source:
        left, right = self._draw.choice(
            [("persons", "labs"), ("persons", "visits"), ("labs", "visits"), ("labs", "labs"), ("visits", "persons")]
        )
        columns = (*_qualified("a", TABLES[left]), *_qualified("b", TABLES[right]))
        how = self._draw.choice(["JOIN", "JOIN", "LEFT JOIN", "INNER JOIN"])
        both = Source("", columns)
        further = f" AND {self._condition(both, deep=False)}" if self._chance(0.3) else ""
        text = f"{left} AS a {how} {right} AS b ON a.id = b.id{further}"
        if self._chance(0.2):
            third = self._draw.choice(["visits", "persons"])
            return Source(f"{text} JOIN {third} AS c ON b.id = c.id", (*columns, *_qualified("c", TABLES[third])), "a.id")
        return Source(text, columns, "a.id")

    def _natural(self) -> Source:
        other = self._draw.choice(["labs", "visits"])
        return Source(f"persons NATURAL {self._draw.choice(['', 'LEFT '])}JOIN {other}", (*PERSONS, *TABLES[other]))

    def _coded(self) -> Source:
        how = self._draw.choice(["JOIN", "LEFT JOIN"])
        return Source(f"visits AS a {how} icd AS c ON a.code = c.code", (*_qualified("a", VISITS), *_qualified("c", ICD)), "a.id")

    def _stacked(self) -> Source:
        one = f"SELECT id, day, value AS x, test AS name FROM labs WHERE {self._condition(Source('labs', LABS), deep=False)}"
        other = "SELECT id, day, cost AS x, kind AS name FROM visits"
        return Source(f"({one} UNION ALL {other}) AS u", (Col("day", DATE), Col("x", NUMBER, 0, 10_000), Col("name", TEXT)))

    def _per_person(self) -> Source:
        base = self._draw.choice(["labs", "visits"])
        table = Source(base, TABLES[base])
        columns, items = [], []
        for index in range(self._draw.randint(1, 2)):
            written, column = self._inner_aggregate(table, f"n{index}")
            items.append(f"{written} AS n{index}")
            columns.append(column)
        where = f" WHERE {self._condition(table, deep=False)}" if self._chance(0.4) else ""
        having = " HAVING COUNT(*) >= 2" if self._chance(0.2) else ""
        grouped = f"(SELECT id, {', '.join(items)} FROM {base}{where} GROUP BY id{having})"
        if self._chance(0.5):
            return Source(f"{grouped} AS t", tuple(columns))
        how = self._draw.choice(["JOIN", "LEFT JOIN"])
        offered = (*_qualified("p", PERSONS), *_qualified("t", columns))
        return Source(f"persons AS p {how} {grouped} AS t ON p.id = t.id", offered, "p.id")

    def _around(self) -> Source:
        inner = self._joined()
        if " JOIN labs AS b" not in inner.text or "labs AS a" in inner.text:
            return inner
        return Source(f"(SELECT a.id, a.age, a.male, b.value, b.test FROM {inner.text}) AS j", (*PERSONS[:2], LABS[2], LABS[0]))

    def _inner_aggregate(self, table: Source, name: str) -> tuple[str, Col]:
        column = self._draw.choice([each for each in table.of(INTEGER, NUMBER) if each.low is not None])
        low, high = column.low or 0.0, column.high or 0.0
        match self._draw.randrange(7):
            case 0 | 1:
                return "COUNT(*)", Col(name, INTEGER, 0, 6)
            case 2:
                return f"COUNT({column.name})", Col(name, INTEGER, 0, 6)
            case 3:
                return f"SUM({column.name})", Col(name, column.type, min(0, 6 * low), 6 * high)
            case 4:
                return f"MAX({column.name})", Col(name, column.type, low, high)
            case 5:
                return f"MIN({column.name})", Col(name, column.type, low, high)
            case _:
                return f"AVG({column.name})", Col(name, NUMBER, low, high)

    # keys and aggregates

    def _keys(self, source: Source) -> list[str]:
        count = self._draw.choices([0, 1, 2], [4, 5, 2])[0]
        return [f"{self._key(source)} AS k{index}" for index in range(count)]

    def _key(self, source: Source) -> str:
        column = self._draw.choice(source.columns)
        match column.type:
            case "text":
                return self._one(
                    lambda: column.name, lambda: column.name, lambda: f"upper({column.name})", lambda: f"substring({column.name}, 1, 1)"
                )
            case "boolean":
                return column.name
            case "date":
                return self._draw.choice([f"year({column.name})", f"month({column.name})", f"date_trunc('quarter', {column.name})"])
            case "integer" if column.low is not None:
                return self._draw.choice([f"{column.name} // 10", f"{column.name} > {self._number()}", f"{column.name} % 3"])
            case _:
                return self._one(
                    lambda: f"({self._condition(source, deep=False)})",
                    lambda: f"CASE WHEN {column.name} > {self._number()} THEN 'high' WHEN {column.name} IS NULL THEN 'none' ELSE 'low' END",
                )

    def _aggregate(self, source: Source) -> str:
        where = f" FILTER (WHERE {self._condition(source, deep=False)})" if self._chance(0.2) else ""
        bounded = [column for column in source.of(INTEGER, NUMBER) if column.low is not None]
        match self._draw.randrange(16):
            case 0 | 1 | 2:
                return f"COUNT(*){where}"
            case 3:
                return f"COUNT(DISTINCT {source.unit}){where}"
            case 4:
                return f"COUNT({self._draw.choice(source.columns).name}){where}"
            case 5:
                return f"SUM(CASE WHEN {self._condition(source, deep=False)} THEN 1 ELSE 0 END)"
            case 6:
                return f"SUM(clamp({self._value(source, 2)}, -10, 100)){where}"
            case 7:
                return f"AVG(clamp({self._value(source, 2)}, 0, 50)){where}"
            case _ if not bounded:
                return "COUNT(*)"
            case 8 | 9 | 10:
                return f"SUM({self._draw.choice(bounded).name}){where}"
            case 11 | 12:
                return f"AVG({self._draw.choice(bounded).name}){where}"
            case 13:
                name = self._draw.choice(["VAR_POP", "VAR_SAMP", "STDDEV_SAMP", "STDDEV_POP"])
                return f"{name}({self._draw.choice(bounded).name}){where}"
            case 14:
                return f"{self._draw.choice(['MEDIAN', 'MIN', 'MAX'])}({self._draw.choice(bounded).name}){where}"
            case _ if self._chance(0.4):
                return f"COUNT(DISTINCT ({', '.join(column.name for column in self._draw.choices(source.columns, k=2))}))"
            case _:
                return f"COUNT(DISTINCT {self._draw.choice(source.columns).name})"

    # expressions of a row

    def _number(self) -> str:
        if self._chance(0.08):
            return self._draw.choice(HOSTILE_NUMBERS)
        return self._draw.choice([str(self._draw.randint(-5, 120)), f"{self._draw.uniform(0, 300):.2f}"])

    def _text(self) -> str:
        return "'" + self._draw.choice(HOSTILE_TEXTS if self._chance(0.1) else WORDS) + "'"

    def _date(self) -> str:
        return f"DATE '{self._draw.choice(HOSTILE_DATES if self._chance(0.15) else ('2011-06-01', '1960-01-01', '2012-01-01'))}'"

    def _value(self, source: Source, depth: int) -> str:
        """A number of a row."""
        numbers = source.of(INTEGER, NUMBER)
        if depth == 0 or not numbers or self._chance(0.2):
            return self._draw.choice(numbers).name if numbers and self._chance(0.8) else self._number()
        one, other = (self._value(source, depth - 1) for _ in range(2))
        dates = source.of(DATE)
        made = [
            f"({one} + {other})",
            f"({one} - {other})",
            f"({one} * {other})",
            f"({one} / {other})",
            f"abs({one})",
            f"round({one})",
            f"floor({one})",
            f"greatest({one}, {other})",
            f"coalesce({one}, {other})",
            f"nullif({one}, {other})",
            f"CASE WHEN {self._condition(source, deep=False)} THEN {one} ELSE {other} END",
            f"sqrt(abs({one}))",
            f"TRY_CAST({one} AS BIGINT)",
            *(
                [f"datediff('day', {self._draw.choice(dates).name}, {self._date()})", f"year({self._draw.choice(dates).name})"]
                if dates
                else []
            ),
        ]
        return self._draw.choice(made)

    def _condition(self, source: Source, *, deep: bool = True) -> str:
        if deep and self._chance(0.25):
            return f"({self._condition(source)} {self._draw.choice(['AND', 'OR', 'AND NOT'])} {self._condition(source, deep=False)})"
        if deep and self._chance(0.12):
            return self._membership(source)
        if self._chance(0.06):
            return self._in_public(source)
        column = self._draw.choice(source.columns)
        name = column.name
        if self._chance(0.1):
            return f"{name} IS {self._draw.choice(['', 'NOT '])}NULL"
        match column.type:
            case "text":
                return self._one(
                    lambda: f"{name} = {self._text()}",
                    lambda: f"{name} <> {self._text()}",
                    lambda: f"{name} IN ({self._text()}, {self._text()})",
                    lambda: f"{name} LIKE {self._text()[:-1]}%'",
                )
            case "boolean":
                return self._draw.choice([name, f"NOT {name}", f"{name} IS NOT TRUE"])
            case "date":
                return self._one(lambda: f"{name} >= {self._date()}", lambda: f"year({name}) BETWEEN 1950 AND 2011")
            case _:
                sign = self._draw.choice(["<", "<=", ">", ">=", "=", "<>"])
                return self._one(
                    lambda: f"{name} {sign} {self._number()}",
                    lambda: f"{name} BETWEEN {self._number()} AND {self._number()}",
                    lambda: f"{self._value(source, 1)} {sign} {self._number()}",
                )

    def _membership(self, source: Source) -> str:
        table = self._table()
        inner = f"SELECT id FROM {table.text} WHERE {self._condition(table, deep=False)}"
        return f"{source.unit} {self._draw.choice(['IN', 'NOT IN'])} ({inner})"

    def _in_public(self, source: Source) -> str:
        """Values of the public list beside a row's, and rows of it that fit."""
        inner = f" WHERE {self._condition(Source('icd', ICD), deep=False)}" if self._chance(0.4) else ""
        numbers = source.of(INTEGER, NUMBER)
        codes = [column.name for column in source.columns if column.name.split(".")[-1] == "code" and "." in column.name]
        value = self._draw.choice(
            ["AVG(weight)", "MAX(weight)", "MIN(weight)", "SUM(weight)", "COUNT(*)", "MEDIAN(weight)", "COUNT(DISTINCT chapter)"]
        )
        first, second = (self._draw.choice(source.columns) for _ in range(2))
        made = [f"({first.name}, {second.name}) IN (({self._constant(first)}, {self._constant(second)}), ({first.name}, NULL))"]
        if numbers:
            number = self._draw.choice(numbers).name
            made.append(f"{number} {self._draw.choice(['<', '>=', '='])} (SELECT {value} FROM icd{inner})")
            made.append(f"{number} > (SELECT weight FROM icd{inner} ORDER BY weight DESC LIMIT 1)")
            made += [f"EXISTS (SELECT 1 FROM icd AS x WHERE x.code = {code} AND x.weight > {number})" for code in codes if "." in number]
            made += [f"({code}, {number}) IN (SELECT code, weight FROM icd{inner})" for code in codes]
            made += [f"{number} NOT IN (SELECT x.weight FROM icd AS x WHERE x.code = {code})" for code in codes]
        return self._draw.choice(made)

    def _constant(self, column: Col) -> str:
        match column.type:
            case "text":
                return self._text()
            case "boolean":
                return "TRUE"
            case "date":
                return self._date()
            case _:
                return self._number()


def _qualified(alias: str, columns: Sequence[Col]) -> tuple[Col, ...]:
    return tuple(Col(f"{alias}.{column.name}", column.type, column.low, column.high) for column in columns)


def question(seed: int) -> str:
    """The question of this number."""
    return Author(seed).question()
