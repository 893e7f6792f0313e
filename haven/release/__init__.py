"""The way out: release requests, review, signing, bundles and their verification."""

from haven.release.desk import PublicRelease, ReleaseDesk
from haven.release.facts import AnswerFacts, DatasetFacts, ProjectFacts, ReleaseFacts
from haven.release.items import AnswerDraft, Draft, FileDraft
from haven.release.reviewing import Judgement
from haven.release.states import mermaid
from haven.release.verify import VerifyReport, verify_bundle
from haven.release.views import ReleaseView

__all__ = [
    "AnswerDraft",
    "AnswerFacts",
    "DatasetFacts",
    "Draft",
    "FileDraft",
    "Judgement",
    "ProjectFacts",
    "PublicRelease",
    "ReleaseDesk",
    "ReleaseFacts",
    "ReleaseView",
    "VerifyReport",
    "mermaid",
    "verify_bundle",
]
