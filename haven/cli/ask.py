"""`haven query`: one question from a terminal, over HTTP with a token, or on the haven's own machine as a researcher of the project."""

from decimal import Decimal, InvalidOperation
from typing import Annotated, TypedDict

import typer

import haven
from haven.cli.console import print_json, print_table, say, spoken_errors
from haven.cli.house import House, open_house
from haven.cli.options import DEFAULT_HOME, HomeOption, JsonOption
from haven.errors import Code, Refused
from haven.mediator.answers import Answer, Preview, Question
from haven.policy.roles import Principal, Role
from haven.web.api.questions import answer_message, preview_json
from haven.web.parts import HomeKind

TYPES = {"int64": "integer", "double": "number", "bool": "boolean", "string": "text", "date32[day]": "date"}
"""A column's type, from Arrow's words to the interface's."""


class Ways(TypedDict):
    """The ways to pay, and the size they may need."""

    epsilon: str | None
    rho: str | None
    error: str | None
    relative_error: str | None
    size_hint: int | None


def ask(
    sql: str,
    project: Annotated[str, typer.Option(help="On whose budget.")],
    epsilon: Annotated[str | None, typer.Option(help="Price as epsilon.")] = None,
    rho: Annotated[str | None, typer.Option(help="Price as rho (zcdp alone).")] = None,
    error: Annotated[str | None, typer.Option(help="Wished 95 % half-width; haven finds the price.")] = None,
    relative_error: Annotated[str | None, typer.Option(help="The same as a fraction of the answer.")] = None,
    size_hint: Annotated[int | None, typer.Option(min=1, help="A public number of rows that every figure has at least.")] = None,
    preview: Annotated[bool, typer.Option("--preview", help="Show price and error bars; nothing is spent.")] = False,
    token: Annotated[str | None, typer.Option(envvar="HAVEN_TOKEN", help="API token, with --url.")] = None,
    url: Annotated[str | None, typer.Option(help="A running haven.")] = None,
    user: Annotated[str | None, typer.Option("--as", help="Without --url: which researcher of the project asks.")] = None,
    home: HomeOption = DEFAULT_HOME,
    as_json: JsonOption = False,
) -> None:
    """Ask one question and print the answer with its error bars."""
    with spoken_errors():
        if url is not None:
            distant = haven.connect(url=url, token=token, project=project)
            ways: Ways = {"epsilon": epsilon, "rho": rho, "error": error, "relative_error": relative_error, "size_hint": size_hint}
            if preview:
                _show_distant_preview(distant.preview(sql, **ways), as_json=as_json)
            else:
                _show_distant_answer(distant.query(sql, **ways), as_json=as_json)
            return
        question = Question(project, sql, _decimal(epsilon), _decimal(rho), _decimal(error), _decimal(relative_error), size_hint)
        with open_house(home) as house:
            principal = _researcher(house, project, user)
            if preview:
                _show_preview(house.mediator.preview(question, principal), as_json=as_json)
            else:
                _show_answer(house.mediator.ask(question, principal), _kind(house), as_json=as_json)


def _decimal(text: str | None) -> Decimal | None:
    try:
        return None if text is None else Decimal(text)
    except InvalidOperation:
        raise Refused(Code.BUDGET_INVALID, "A price is a positive decimal number.", "Write for example --epsilon 0.1.") from None


def _researcher(house: House, project: str, user: str | None) -> Principal:
    researchers = house.policies.project(project).researchers
    name = user or researchers[0]
    if name not in researchers:
        raise Refused(Code.POLICY_NOT_MEMBER, f"{name} is not a researcher of {project}.", f"Its researchers: {', '.join(researchers)}.")
    return Principal(name, Role.RESEARCHER)


def _kind(house: House) -> HomeKind:
    return HomeKind.BENCH if house.home.bench else HomeKind.NORMAL


def _show_answer(answer: Answer, kind: HomeKind, *, as_json: bool) -> None:
    if as_json:
        print_json(answer_message(answer, kind).to_json())
        return
    cells = [
        [_cell(value, half_width) for value, half_width in zip(row, errors, strict=True)]
        for row, errors in zip(answer.rows, answer.errors, strict=True)
    ]
    print_table("answer (± 95 % half-width)", [column.name for column in answer.columns], cells)
    receipt = answer.receipt
    free = "free: already answered" if receipt["replayed"] else f"cost {_amounts(receipt['cost'])} (epsilon {receipt['epsilon']})"
    say(f"receipt {receipt['id']}; {free}; left {_amounts(receipt['remaining'])}")
    if receipt["citation"]:
        say(f"cite: {receipt['citation']}")
    if kind is HomeKind.BENCH:
        say("This is a bench home: nobody is promised anything here.")


def _show_preview(preview: Preview, *, as_json: bool) -> None:
    if as_json:
        print_json(preview_json(preview))
        return
    print_table("expected 95 % half-widths", ["column", "±"], [(name, _cell(width, None)) for name, width in preview.errors.items()])
    share = f"{preview.share_of_budget:.2%} of the project's budget"
    say(f"cost {_amounts(preview.cost)} (epsilon {preview.epsilon}), {share}; nothing was spent")
    for sentence in (*preview.words, *preview.warnings):
        say(f"- {sentence}")


def _cell(value: object, half_width: float | None) -> str:
    shown = "" if value is None else f"{value:.6g}" if isinstance(value, float) else str(value)
    return shown if half_width is None else f"{shown} ± {half_width:.3g}"


def _amounts(amounts: dict[str, str]) -> str:
    return ", ".join(f"{name} {value}" for name, value in amounts.items() if value not in {"0", "0E-18"})


def _show_distant_preview(preview: "haven.Preview", *, as_json: bool) -> None:
    if as_json:
        print_json(dict(preview.document))
    else:
        typer.echo(preview)


def _show_distant_answer(answer: "haven.Answer", *, as_json: bool) -> None:
    if not as_json:
        typer.echo(answer)
        return
    table = answer.to_arrow()
    columns = [{"name": field.name, "type": TYPES[str(field.type)]} for field in table.schema]
    widths = [answer.half_widths(position) for position in range(table.num_columns)]
    rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
    print_json(
        {"columns": columns, "rows": list(rows), "errors": list(zip(*widths, strict=True)), "receipt": dict(answer.receipt.document)}
    )
