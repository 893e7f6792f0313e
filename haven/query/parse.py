"""Station 2: text to a syntax tree of the grammar. Pure; what it takes is bounded before the parser sees it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from sqlglot import exp
from sqlglot.dialects import DuckDB
from sqlglot.errors import SqlglotError
from sqlglot.tokenizer_core import Token, TokenType

from haven.errors import Code, Refused
from haven.query.grammar import STATEMENT_REFUSAL, check_node, refusal
from haven.query.quantiles import spelled_out

LARGEST_TEXT = 100_000
MOST_TOKENS = 10_000
DEEPEST_BRACKETS = 64
LONGEST_RUN = 8
DEEPEST_TREE = 100
LONGEST_NAME = 255

_OPENING = {TokenType.L_PAREN, TokenType.L_BRACKET, TokenType.L_BRACE, TokenType.CASE}
_CLOSING = {TokenType.R_PAREN, TokenType.R_BRACKET, TokenType.R_BRACE, TokenType.END}
_FIRST = {TokenType.SELECT, TokenType.FROM, TokenType.WITH, TokenType.VALUES, TokenType.L_PAREN, TokenType.SEMICOLON}
_VALUES = {TokenType.NUMBER, TokenType.STRING, TokenType.IDENTIFIER, TokenType.VAR, *_OPENING, *_CLOSING}


@dataclass(frozen=True, slots=True)
class ParsedQuery:
    """One SELECT statement of the grammar, as a syntax tree whose every node and part is allowed; nothing in it is resolved yet."""

    text: str
    tree: exp.Select


def parse(text: str) -> ParsedQuery:
    """The syntax tree of `text`, one SELECT statement in DuckDB's dialect.

    Raises Refused: QUERY_TOO_LARGE beyond the limits of size and nesting, QUERY_SYNTAX for what is no SQL, QUERY_STATEMENT for anything
    but one SELECT, and for parts of SQL outside the grammar the code of the part.
    """
    statement = _statement(_tokens(text), text)
    for node in _nodes(statement):
        check_node(node)
    _check_names(statement)
    return ParsedQuery(text, statement)


def _tokens(text: str) -> Sequence[Token]:
    if len(text) > LARGEST_TEXT:
        raise _too_large(f"The question is longer than {LARGEST_TEXT} characters.")
    if "\x00" in text or not _is_unicode(text):
        raise Refused(Code.QUERY_SYNTAX, "The question holds a NUL character, or half of one.", "Remove it, or type the text anew.")
    try:
        tokens: Sequence[Token] = DuckDB().tokenize(text)
    except SqlglotError:
        raise _no_sql() from None
    if len(tokens) > MOST_TOKENS:
        raise _too_large(f"The question has more than {MOST_TOKENS} words and signs.")
    if tokens and tokens[0].token_type not in _FIRST:
        raise STATEMENT_REFUSAL
    _check_nesting(tokens)
    return tokens


def _is_unicode(text: str) -> bool:
    """Whether every character is a whole one: a lone surrogate can be neither stored nor sent."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _check_nesting(tokens: Sequence[Token]) -> None:
    """The parser recurses on brackets, CASE and prefix operators; each is bounded here."""
    depth = 0
    for token in tokens:
        depth += (token.token_type in _OPENING) - (token.token_type in _CLOSING)
        if depth > DEEPEST_BRACKETS:
            raise _too_large(f"The question nests brackets or CASE more than {DEEPEST_BRACKETS} deep.")
    for _, run in groupby(tokens, key=lambda token: token.token_type):
        first, *others = run
        if len(others) >= LONGEST_RUN and first.token_type not in _VALUES:
            raise _too_large(f"The question repeats a sign or keyword more than {LONGEST_RUN} times in a row.")


def _statement(tokens: Sequence[Token], text: str) -> exp.Select:
    try:
        statements = DuckDB().parser().parse(list(tokens), text)
    except SqlglotError:
        raise _no_sql() from None
    except Exception:  # noqa: BLE001 - another library's parser meets hostile text: whatever it does, the asker wrote no SQL
        raise _no_sql() from None
    written = [statement for statement in statements if statement is not None]
    if not written:
        raise Refused(Code.QUERY_SYNTAX, "The question is empty.", "Write SELECT COUNT(*) FROM dataset.table.")
    tree = written[0]
    while isinstance(tree, exp.Subquery) and isinstance(tree.this, exp.Query):
        check_node(tree)
        tree = tree.this
    if len(written) > 1 or not isinstance(tree, exp.Query | exp.Values):
        raise STATEMENT_REFUSAL
    check_node(tree)
    if isinstance(tree, exp.SetOperation):
        raise refusal(tree)
    if not isinstance(tree, exp.Select):
        raise STATEMENT_REFUSAL
    spelled_out(tree)
    return tree


def _nodes(tree: exp.Expr) -> Iterator[exp.Expr]:
    """Every node, without recursion; a chain of ANDs or ORs counts as one level."""
    pending: list[tuple[exp.Expr, int]] = [(tree, 1)]
    while pending:
        node, depth = pending.pop()
        if depth > DEEPEST_TREE:
            raise _too_large(f"An expression of the question nests more than {DEEPEST_TREE} deep.")
        yield node
        chained = isinstance(node, exp.And | exp.Or)
        pending.extend((child, depth + (not (chained and isinstance(child, type(node))))) for child in node.iter_expressions())


def _check_names(tree: exp.Expr) -> None:
    for node in _nodes(tree):
        if isinstance(node, exp.Identifier) and not 1 <= len(node.name) <= LONGEST_NAME:
            raise Refused(Code.QUERY_SYNTAX, f"A name is empty or longer than {LONGEST_NAME} characters.", "Shorten the name.")


def _too_large(reason: str) -> Refused:
    return Refused(Code.QUERY_TOO_LARGE, reason, "Ask a shorter question: BETWEEN, IN (…) and ranges say the same with fewer terms.")


def _no_sql() -> Refused:
    return Refused(
        Code.QUERY_SYNTAX,
        "The question cannot be read as SQL.",
        "Check brackets, commas and quotes; text stands in single quotes, names in double quotes.",
    )
