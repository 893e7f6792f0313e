"""`haven policy`: check policy files, explain one in words, compare two."""

import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Annotated

import typer

from haven.errors import HavenError
from haven.policy.caps import check_grant_fits, check_populations_agree
from haven.policy.conduct import Clause, CodeOfConduct
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.differences import differences
from haven.policy.document import Problem
from haven.policy.explain import explain_dataset, explain_project
from haven.policy.loader import (
    kind_of,
    load_code_of_conduct,
    load_dataset_policy,
    load_project_policy,
    problems_in,
    read_text,
)
from haven.policy.project_policy import ProjectPolicy

app = typer.Typer(help="Check policies, explain one in words, compare two.", no_args_is_help=True)

Json = Annotated[bool, typer.Option("--json", help="Print data instead of words.")]
Bench = Annotated[bool, typer.Option("--bench", help="Judge by the rules of a bench home.")]
PolicyFile = Annotated[Path, typer.Argument(help="A policy file.")]


@app.command()
def check(
    paths: Annotated[list[Path] | None, typer.Argument(help="Policy files or folders. Default: policies/ here.")] = None,
    bench: Bench = False,
    as_json: Json = False,
) -> None:
    """Check policy files, alone and together: exit 0 when all are sound, 1 when one is not."""
    files = [file for path in paths or [Path("policies")] for file in _policy_files(path)]
    found = _problems(files, bench=bench)
    if as_json:
        typer.echo(json.dumps({"files": [str(file) for file in files], "problems": found}))
    else:
        for line in found:
            typer.echo(line, err=True)
        typer.echo(f"{len(files)} files checked, {len(found)} problems.")
    raise typer.Exit(1 if found or not files else 0)


@app.command()
def explain(path: PolicyFile, bench: Bench = False) -> None:
    """Say in words what a policy file says."""
    try:
        model = kind_of(read_text(path), path.name)
        lines = _explained(path, model, bench=bench)
    except HavenError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    for line in lines:
        typer.echo(line)


@app.command()
def diff(
    before: PolicyFile,
    after: PolicyFile,
    bench: Bench = False,
    as_json: Json = False,
) -> None:
    """Compare two dataset policies: what is looser, what is tighter."""
    try:
        found = differences(load_dataset_policy(before, bench=bench), load_dataset_policy(after, bench=bench))
    except HavenError as error:
        typer.echo(str(error), err=True)
        raise typer.Exit(1) from None
    if as_json:
        plain = [{"path": one.path, "before": one.before, "after": one.after, "direction": one.direction.value} for one in found]
        typer.echo(json.dumps(plain))
        return
    for one in found:
        typer.echo(str(one))
    if not found:
        typer.echo("The two policies say the same.")


def _policy_files(path: Path) -> list[Path]:
    return sorted(path.rglob("*.yaml")) if path.is_dir() else [path]


def _problems(files: list[Path], *, bench: bool) -> list[str]:
    found = [problem for file in files for problem in _file_problems(file, bench=bench)]
    return found or list(_joint_problems(files, bench=bench))


def _file_problems(file: Path, *, bench: bool) -> list[str]:
    try:
        text = read_text(file)
        model = kind_of(text, str(file))
    except HavenError as error:
        return [str(error)]
    problems = [str(problem) for problem in problems_in(text, str(file), model, bench=bench)]
    if not problems and model is CodeOfConduct:
        return [str(problem) for problem in _conduct_problems(file)]
    return problems


def _joint_problems(files: list[Path], *, bench: bool) -> Iterator[str]:
    """What is wrong only when sound files stand together: populations that disagree, grants above the whole or on nothing."""
    kinds = {file: kind_of(read_text(file), file.name) for file in files}
    datasets = {policy.dataset: policy for policy in (load_dataset_policy(f, bench=bench) for f in files if kinds[f] is DatasetPolicy)}
    projects = [load_project_policy(file, bench=bench) for file in files if kinds[file] is ProjectPolicy]
    try:
        check_populations_agree(datasets.values())
        for project in projects:
            for name in project.datasets.keys() & datasets.keys():
                check_grant_fits(datasets[name], project)
    except HavenError as error:
        yield str(error)


def _conduct_problems(file: Path) -> Iterator[Problem]:
    """Each clause's rule must be there to import, and its test to run, below the folder that holds policies/."""
    root = file.resolve().parent.parent
    for clause in load_code_of_conduct(file).clauses:
        if not rule_exists(clause.rule):
            yield Problem(str(file), 1, f"The rule `{clause.rule}` of the clause {clause.id} is not there.", "Name what keeps the clause.")
        if not _test_exists(root, clause):
            yield Problem(str(file), 1, f"The test `{clause.test}` of the clause {clause.id} is not there.", "Name the test that shows it.")


def rule_exists(dotted: str) -> bool:
    """Whether a dotted path names a module of haven, or something in one."""
    parts = dotted.split(".")
    for cut in range(len(parts), 0, -1):
        try:
            found: object = import_module(".".join(parts[:cut]))
        except ModuleNotFoundError:
            continue
        for part in parts[cut:]:
            found = getattr(found, part, None)
        return found is not None
    return False


def _test_exists(root: Path, clause: Clause) -> bool:
    path, _, name = clause.test.partition("::")
    file = root / path
    return file.is_file() and f"def {name}(" in file.read_text(encoding="utf-8")


def _explained(path: Path, model: type, *, bench: bool) -> tuple[str, ...]:
    if model is DatasetPolicy:
        return explain_dataset(load_dataset_policy(path, bench=bench))
    if model is ProjectPolicy:
        return explain_project(load_project_policy(path, bench=bench))
    return tuple(f"{clause.title}: {clause.text}" for clause in load_code_of_conduct(path).clauses)
