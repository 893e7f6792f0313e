"""The one loader: policy files and the reference tables they are judged by. The only module of this room that reads files.

Every failure is a Refused(POLICY_INVALID) that names file and line and says what to write.
"""

import csv
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from haven.errors import Code, Refused
from haven.policy.conduct import CodeOfConduct
from haven.policy.dataset_policy import DatasetPolicy
from haven.policy.diseases import Diseases
from haven.policy.document import MOST_CHARACTERS, Document, Problem, Unreadable, read_document
from haven.policy.problems import problems_of
from haven.policy.project_policy import ProjectPolicy

Policy = TypeVar("Policy", bound=BaseModel)


def parse_dataset_policy(text: str, name_of_file: str, *, bench: bool = False) -> DatasetPolicy:
    """The dataset's policy that `text` holds. `bench` reads it by the rules of a bench home. Raises Refused(POLICY_INVALID)."""
    return _parse(text, name_of_file, DatasetPolicy, bench=bench)


def parse_project_policy(text: str, name_of_file: str, *, bench: bool = False) -> ProjectPolicy:
    """The project that `text` holds. Raises Refused(POLICY_INVALID)."""
    return _parse(text, name_of_file, ProjectPolicy, bench=bench)


def parse_code_of_conduct(text: str, name_of_file: str) -> CodeOfConduct:
    """The code of conduct that `text` holds. Raises Refused(POLICY_INVALID)."""
    return _parse(text, name_of_file, CodeOfConduct, bench=False)


def load_dataset_policy(path: Path, *, bench: bool = False) -> DatasetPolicy:
    """The dataset's policy in the file at `path`; see `parse_dataset_policy`."""
    return parse_dataset_policy(read_text(path), path.name, bench=bench)


def load_project_policy(path: Path, *, bench: bool = False) -> ProjectPolicy:
    """The project in the file at `path`; see `parse_project_policy`."""
    return parse_project_policy(read_text(path), path.name, bench=bench)


def load_code_of_conduct(path: Path) -> CodeOfConduct:
    """The code of conduct in the file at `path`."""
    return parse_code_of_conduct(read_text(path), path.name)


def problems_in(text: str, name_of_file: str, model: type[BaseModel], *, bench: bool = False) -> tuple[Problem, ...]:
    """Every problem of `text` as a policy of this kind, by line; none where it is sound."""
    found = _validated(text, name_of_file, model, bench=bench)
    return found if isinstance(found, tuple) else ()


def kind_of(text: str, name_of_file: str) -> type[BaseModel]:
    """Which policy `text` is, by its first-named key: dataset, project or clauses. Raises Refused(POLICY_INVALID)."""
    found = _document(text, name_of_file)
    if isinstance(found, Problem):
        raise _refused((found,))
    kinds: dict[str, type[BaseModel]] = {"dataset": DatasetPolicy, "project": ProjectPolicy, "clauses": CodeOfConduct}
    for key, model in kinds.items():
        if key in found.value:
            return model
    raise _refused((Problem(name_of_file, 1, "The file is no policy.", "Name what it is: a line `dataset: NAME` or `project: NAME`."),))


@cache
def shipped_diseases() -> Diseases:
    """The ancestry of diseases that is shipped with haven (haven/policy/data/mondo_ancestry.csv)."""
    with (files("haven.policy") / "data" / "mondo_ancestry.csv").open(encoding="utf-8") as file:
        return Diseases.from_pairs((row["child"], row["parent"]) for row in csv.DictReader(file))


def read_text(path: Path) -> str:
    """The text of a policy file. Raises Refused(POLICY_INVALID) where there is none."""
    try:
        with path.open(encoding="utf-8") as file:
            return file.read(MOST_CHARACTERS + 1)
    except (OSError, UnicodeDecodeError):
        raise Refused(
            Code.POLICY_INVALID, f"The file {path.name} cannot be read as UTF-8 text.", "Check the path, and that the file is a policy."
        ) from None


def _parse(text: str, name_of_file: str, model: type[Policy], *, bench: bool) -> Policy:
    found = _validated(text, name_of_file, model, bench=bench)
    if isinstance(found, tuple):
        raise _refused(found)
    return found


def _validated(text: str, name_of_file: str, model: type[Policy], *, bench: bool) -> Policy | tuple[Problem, ...]:
    document = _document(text, name_of_file)
    if isinstance(document, Problem):
        return (document,)
    try:
        return model.model_validate(document.value, context={"bench": bench})
    except ValidationError as error:
        return problems_of(error, document, name_of_file, model)


def _document(text: str, name_of_file: str) -> Document | Problem:
    try:
        return read_document(text)
    except Unreadable as found:
        return Problem(name_of_file, found.line, found.reason, found.suggestion)


def _refused(problems: tuple[Problem, ...]) -> Refused:
    first, more = problems[0], len(problems) - 1
    also = f" {more} more {'problem follows' if more == 1 else 'problems follow'}: run `haven policy check`." if more else ""
    return Refused(Code.POLICY_INVALID, f"{first.file}, line {first.line}: {first.reason}", f"{first.suggestion}{also}".strip())
