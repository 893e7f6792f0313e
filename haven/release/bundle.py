"""The signed bundle: results, provenance, criteria, votes, credit, and a signed manifest that names every byte of it."""

import io
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from haven.release import credit
from haven.release.crate import describe
from haven.release.criteria import CRITERIA
from haven.release.decisions import Vote, pseudonyms
from haven.release.facts import DatasetFacts, ProjectFacts
from haven.release.items import Item
from haven.release.objects import sha256
from haven.release.request import Request
from haven.release.signing import SigningKey
from haven.release.tables import canonical_json

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
PROOF = "ledger-proof.json"
FORMAT = "haven-release/1"
_EPOCH = (1980, 1, 1, 0, 0, 0)
_READABLE = 0o100644 << 16
_UNIX = 3
LICENCE = """These results were released by haven after disclosure checks. They may be read, verified, quoted and built upon, provided
that the datasets they are made from are credited as ATTRIBUTION.txt says, and that nobody tries to recognise a person in them.
"""


@dataclass(frozen=True, slots=True)
class Contents:
    """What goes into a bundle beside the request: its project, datasets, receipts by item, and the items' files by digest."""

    project: ProjectFacts
    datasets: tuple[DatasetFacts, ...]
    receipts: Mapping[str, Mapping[str, Any]]
    objects: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class SignedBundle:
    """A whole, signed bundle: the zip's bytes and the digest-bearing manifest that was signed."""

    content: bytes
    manifest: bytes


def leaving(request: Request) -> list[Item]:
    """The items that leave: those approved."""
    return [item for item in request.items if request.approved.get(item.id)]


def build(request: Request, contents: Contents, key: SigningKey, now: datetime, proof: Mapping[str, Any] | None = None) -> SignedBundle:
    """The signed bundle of a decided request: only approved items, each byte in the manifest, the manifest signed with Ed25519.

    `proof` shows that the decision's entry is in the books (`haven.ledger.proofs`). Deterministic: the same request, contents, key, time
    and proof give the same bytes.
    """
    if request.decision is None or not leaving(request):
        msg = "only a decided request of which something leaves has a bundle"
        raise ValueError(msg)
    files = _payload(request, contents, now)
    if proof is not None:
        files[PROOF] = canonical_json(dict(proof))
    manifest = canonical_json(
        {
            "format": FORMAT,
            "release": request.id,
            "signed_at": now.isoformat(),
            "public_key": key.public,
            "ledger": {"entry": request.decision.entry, "digest": request.decision.digest},
            "files": {path: {"sha256": sha256(content), "size": len(content)} for path, content in files.items()},
        }
    )
    whole = {**files, MANIFEST: manifest, SIGNATURE: key.sign(manifest)}
    return SignedBundle(pack(whole), manifest)


def _payload(request: Request, contents: Contents, now: datetime) -> dict[str, bytes]:
    items = leaving(request)
    work = credit.Work(request.id, request.title, contents.project.title, now.date(), contents.datasets)
    files = {f"results/{item.id}-{name}": contents.objects[digest] for item in items for name, digest in sorted(item.files.items())}
    files["provenance.json"] = canonical_json(_provenance(request, contents))
    files["criteria.json"] = canonical_json(_criteria(request, contents.datasets))
    files["votes.json"] = canonical_json(_votes(request))
    files["LICENSE.txt"] = LICENCE.encode()
    files |= credit.files(work)
    receipts = [contents.receipts[item.id] for item in items if item.id in contents.receipts]
    files["ro-crate-metadata.json"] = describe(work, request.context, files, receipts, _signed_off(request))
    return files


def _provenance(request: Request, contents: Contents) -> dict[str, Any]:
    return {
        "release": request.id,
        "project": {"name": contents.project.name, "title": contents.project.title, "lay_summary": contents.project.lay_summary},
        "items": [
            {
                "item": item.id,
                "form": item.form,
                "content": item.content,
                "files": dict(item.files),
                "note": item.note,
                "receipt": dict(contents.receipts[item.id]) if item.id in contents.receipts else None,
                "policy_digest": item.policy_digest,
            }
            for item in leaving(request)
        ],
    }


def _criteria(request: Request, datasets: tuple[DatasetFacts, ...]) -> dict[str, Any]:
    # concentration parameters are confidential and stay out; the threshold and the protected columns are public policy
    used = {vote.rule for vote in counted_votes(request)}
    return {
        "tier": request.tier,
        "lane": request.lane,
        "lane_reason": request.lane_reason,
        "criteria": {rule: CRITERIA[rule] for rule in sorted(used)},
        "findings": {item.id: [{"rule": one.rule, "words": one.words} for one in item.findings] for item in leaving(request)},
        "datasets": {
            one.name: {
                "policy_digest": one.policy_digest,
                "low_count": one.thresholds.low_count,
                "protected_columns": sorted(one.thresholds.protected_columns),
            }
            for one in datasets
        },
    }


def counted_votes(request: Request) -> list[Vote]:
    """The votes behind the decision: on the present bytes, by the checkers who completed the last round."""
    deciders = request.completed.get(request.round, ())
    contents = {item.id: item.content for item in request.items}
    return [vote for vote in request.votes if vote.checker in deciders and contents.get(vote.item) == vote.content]


def _votes(request: Request) -> list[dict[str, Any]]:
    votes, leaves = counted_votes(request), {item.id for item in leaving(request)}
    names = pseudonyms(votes)
    return [
        {"item": vote.item, "checker": names[vote.checker], "approves": vote.approves, "rule": vote.rule, "reason": vote.reason}
        for vote in votes
        if vote.item in leaves
    ]


def _signed_off(request: Request) -> list[str]:
    names = sorted(set(pseudonyms(counted_votes(request)).values()))
    return [f"Approved by {name}." for name in names] or [request.lane_reason]


def pack(files: Mapping[str, bytes]) -> bytes:
    """`files` as a zip without compression, names sorted, times and modes fixed: the one archive of these files on any machine."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED) as archive:
        for path in sorted(files):
            info = zipfile.ZipInfo(path, _EPOCH)
            info.external_attr, info.create_system = _READABLE, _UNIX
            archive.writestr(info, files[path])
    return out.getvalue()
