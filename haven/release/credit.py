"""Credit: whoever made the data is named in every release, in the forms that citation tools read."""

import io
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from ruamel.yaml import YAML

from haven.release.facts import DatasetFacts

_BIBTEX_SPECIAL = re.compile(r"([\\{}$&#%_^~])")
PUBLISHER = "haven"


@dataclass(frozen=True, slots=True)
class Work:
    """What is cited: the release's id, title, project and day, and the datasets it is made from."""

    id: str
    title: str
    project: str
    day: date
    datasets: tuple[DatasetFacts, ...]


def files(work: Work) -> dict[str, bytes]:
    """`citation.cff`, `references.bib`, `datacite.json` and `ATTRIBUTION.txt`."""
    return {
        "citation.cff": _cff(work),
        "references.bib": "\n".join(_bibtex(dataset) for dataset in work.datasets).encode(),
        "datacite.json": json.dumps(_datacite(work), indent=2, sort_keys=True, ensure_ascii=False).encode(),
        "ATTRIBUTION.txt": attribution_text(work.datasets).encode(),
    }


def producers(dataset: DatasetFacts) -> list[Mapping[str, Any]]:
    """The people and bodies who made a dataset, as its policy names them."""
    return list(dataset.attribution.get("producers") or ())


def attribution_text(datasets: Iterable[DatasetFacts]) -> str:
    """One paragraph a dataset: how to cite it, who made it, who paid for it."""
    paragraphs = []
    for dataset in datasets:
        lines = [dataset.title, str(dataset.attribution.get("citation") or dataset.title)]
        lines += [f"DOI: {dataset.attribution['doi']}"] if dataset.attribution.get("doi") else []
        lines += ["Made by: " + "; ".join(_with_roles(one) for one in producers(dataset))] if producers(dataset) else []
        funders = dataset.attribution.get("funders") or ()
        lines += ["Funded by: " + "; ".join(_with_award(one) for one in funders)] if funders else []
        paragraphs.append("\n".join(lines))
    return "\n\n".join(paragraphs) + "\n"


def _with_roles(producer: Mapping[str, Any]) -> str:
    roles = ", ".join(producer.get("roles") or ())
    return f"{producer['name']} ({roles})" if roles else str(producer["name"])


def _with_award(funder: Mapping[str, Any]) -> str:
    return f"{funder['name']} ({funder['award']})" if funder.get("award") else str(funder["name"])


def _cff(work: Work) -> bytes:
    document = {
        "cff-version": "1.2.0",
        "message": "If you use these results, cite this release and the datasets they are made from.",
        "title": work.title,
        "type": "dataset",
        "authors": [{"name": work.project}],
        "date-released": work.day.isoformat(),
        "identifiers": [{"type": "other", "value": work.id}],
        "references": [_reference(dataset) for dataset in work.datasets],
    }
    out = io.BytesIO()
    yaml = YAML(pure=True)
    yaml.default_flow_style = False
    yaml.dump({key: value for key, value in document.items() if value}, out)
    return out.getvalue()


def _reference(dataset: DatasetFacts) -> dict[str, Any]:
    made_by = [{"name": str(one["name"])} for one in producers(dataset)] or [{"name": dataset.custodian}]
    reference: dict[str, Any] = {"type": "data", "title": dataset.title, "authors": made_by}
    if dataset.attribution.get("doi"):
        reference["doi"] = str(dataset.attribution["doi"])
    if dataset.attribution.get("citation"):
        reference["notes"] = str(dataset.attribution["citation"])
    return reference


def _bibtex(dataset: DatasetFacts) -> str:
    fields = {
        "title": dataset.title,
        "author": " and ".join(f"{{{_escaped(str(one['name']))}}}" for one in producers(dataset)),
        "doi": str(dataset.attribution.get("doi") or ""),
        "note": str(dataset.attribution.get("citation") or ""),
    }
    lines = [f"  {name} = {{{value if name == 'author' else _escaped(value)}}}" for name, value in fields.items() if value]
    return f"@misc{{{dataset.name},\n" + ",\n".join(lines) + "\n}\n"


def _escaped(text: str) -> str:
    return _BIBTEX_SPECIAL.sub(lambda found: "\\textbackslash{}" if found[1] == "\\" else "\\" + found[1], " ".join(text.split()))


def _datacite(work: Work) -> dict[str, Any]:
    return {
        "schemaVersion": "http://datacite.org/schema/kernel-4",
        "identifiers": [{"identifier": work.id, "identifierType": "haven release"}],
        "titles": [{"title": work.title}],
        "creators": [{"name": work.project, "nameType": "Organizational"}],
        "publisher": {"name": PUBLISHER},
        "publicationYear": str(work.day.year),
        "types": {"resourceTypeGeneral": "Dataset", "resourceType": "Checked release"},
        "contributors": [_contributor(one) for dataset in work.datasets for one in producers(dataset)],
        "relatedIdentifiers": [
            {"relatedIdentifier": str(dataset.attribution["doi"]), "relatedIdentifierType": "DOI", "relationType": "IsDerivedFrom"}
            for dataset in work.datasets
            if dataset.attribution.get("doi")
        ],
        "fundingReferences": [
            {"funderName": str(one["name"]), **({"awardNumber": str(one["award"])} if one.get("award") else {})}
            for dataset in work.datasets
            for one in dataset.attribution.get("funders") or ()
        ],
    }


def _contributor(producer: Mapping[str, Any]) -> dict[str, Any]:
    schemes = {"orcid": ("ORCID", "https://orcid.org/"), "ror": ("ROR", "https://ror.org/")}
    identifiers = [
        {"nameIdentifier": base + str(producer[key]).removeprefix(base), "nameIdentifierScheme": scheme, "schemeUri": base}
        for key, (scheme, base) in schemes.items()
        if producer.get(key)
    ]
    return {"name": str(producer["name"]), "contributorType": "DataCollector", "nameIdentifiers": identifiers}
