"""The criteria a checker decides by. Every vote names one; the ones used travel in the bundle."""

from types import MappingProxyType

APPROVING = MappingProxyType(
    {
        "check.safe": "Nothing in the item can be traced to a person, and no group is stigmatised by it.",
        "check.dp-answer": "Every number is a differentially private answer under its dataset's policy, with its receipt.",
        "check.derived": "Every number in the figure or text follows from answers beside it in the release.",
    }
)
REJECTING = MappingProxyType(
    {
        "check.no-context": "The item cannot be judged from what is said about it.",
        "check.no-receipt": "It shows numbers that follow from no answer in the release.",
        "check.identifying": "Someone could be recognised in it.",
        "check.stigmatising": "It could harm a small or protected group.",
        "check.purpose": "It lies outside the purpose the project was granted.",
        "check.not-a-result": "It is not a result of research.",
    }
)
CRITERIA = MappingProxyType({**APPROVING, **REJECTING})
