"""The RO-Crate 1.3 description of a release: what each file is, what it was made from, who checked it.

Terms for checks follow the Five Safes Crate profile (CheckValue, ValidationCheck, DisclosureCheck, SignOff).
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from rocrate.model import ContextEntity, File
from rocrate.rocrate import ROCrate

from haven.release.credit import Work, producers
from haven.release.facts import DatasetFacts

SHP = "https://w3id.org/shp#"
_FORMATS = {
    ".csv": "text/csv",
    ".parquet": "application/vnd.apache.parquet",
    ".json": "application/json",
    ".png": "image/png",
    ".md": "text/markdown",
    ".cff": "application/yaml",
    ".bib": "application/x-bibtex",
    ".txt": "text/plain",
}


def describe(work: Work, context: str, files: Mapping[str, bytes], receipts: Iterable[Mapping[str, Any]], checks: list[str]) -> bytes:
    """`ro-crate-metadata.json` of a release: `files` are its payload, `receipts` its questions, `checks` what was checked, in words."""
    crate = ROCrate(version="1.3")
    crate.name = work.title
    crate.description = context
    crate.datePublished = work.day
    crate.license = crate.add(File(crate, dest_path="LICENSE.txt", properties=_file("LICENSE.txt", files["LICENSE.txt"])))
    for path, content in files.items():
        if path != "LICENSE.txt":
            crate.add(File(crate, dest_path=path, properties=_file(path, content)))
    sources = [_dataset(crate, dataset) for dataset in work.datasets]
    crate.root_dataset["isBasedOn"] = sources
    crate.root_dataset["identifier"] = work.id
    project = crate.add(ContextEntity(crate, "#project", properties={"@type": "Project", "name": work.project}))
    crate.root_dataset["author"] = project
    crate.root_dataset["mentions"] = [*_questions(crate, receipts, sources), *_checks(crate, checks)]
    return json.dumps(crate.metadata.generate(), indent=2, sort_keys=True, ensure_ascii=False, default=str).encode()


def _file(path: str, content: bytes) -> dict[str, Any]:
    ending = "." + path.rpartition(".")[2]
    return {"name": path.rpartition("/")[2], "encodingFormat": _FORMATS[ending], "contentSize": str(len(content))}


def _dataset(crate: ROCrate, dataset: DatasetFacts) -> Any:  # noqa: ANN401 - rocrate publishes no types
    doi = dataset.attribution.get("doi")
    people = [crate.add(_producer(crate, f"#{dataset.name}-producer-{number}", one)) for number, one in enumerate(producers(dataset), 1)]
    properties = {"@type": "Dataset", "name": dataset.title, "creditText": str(dataset.attribution.get("citation") or dataset.title)}
    entity = crate.add(ContextEntity(crate, f"https://doi.org/{doi}" if doi else f"#dataset-{dataset.name}", properties=properties))
    if people:
        entity["creator"] = people
    return entity


def _producer(crate: ROCrate, local: str, producer: Mapping[str, Any]) -> Any:  # noqa: ANN401 - the same
    """A producer as a person (by ORCID) or, where only a ROR is known, as an organisation."""
    orcid, ror = producer.get("orcid"), producer.get("ror")
    kind = "Organization" if ror and not orcid else "Person"
    name = f"https://orcid.org/{str(orcid).removeprefix('https://orcid.org/')}" if orcid else str(ror or local)
    return ContextEntity(crate, name, properties={"@type": kind, "name": str(producer["name"])})


def _questions(crate: ROCrate, receipts: Iterable[Mapping[str, Any]], sources: list[Any]) -> list[Any]:
    return [
        crate.add(
            ContextEntity(
                crate,
                f"#question-{receipt['id']}",
                properties={
                    "@type": "CreateAction",
                    "name": "A differentially private question",
                    "description": str(receipt.get("sql", "")),
                    "object": [{"@id": source.id} for source in sources],
                },
            )
        )
        for receipt in receipts
    ]


def _checks(crate: ROCrate, checks: list[str]) -> list[Any]:
    kinds = [("DisclosureCheck", "The disclosure rules were applied."), *(("SignOff", words) for words in checks)]
    return [
        crate.add(
            ContextEntity(
                crate,
                f"#check-{number}",
                properties={
                    "@type": "AssessAction",
                    "additionalType": {"@id": SHP + kind},
                    "name": words,
                    "actionStatus": "http://schema.org/CompletedActionStatus",
                },
            )
        )
        for number, (kind, words) in enumerate(kinds, 1)
    ]
