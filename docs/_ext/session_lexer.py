"""The colours of what stands in a terminal, as README.md shows it.

Pygments' own lexer takes a comment between two commands for a command of root's.
"""

from pygments.lexer import RegexLexer, bygroups, using
from pygments.lexers.shell import BashLexer
from pygments.token import Comment, Generic


class SessionLexer(RegexLexer):
    """Commands after ``$``, with the lines that a backslash continues; comments after ``#``; output."""

    name = "session"
    tokens = {  # noqa: RUF012
        "root": [
            (r"(\$ )((?:.*\\\n)*.*\n)", bygroups(Generic.Prompt, using(BashLexer))),
            (r"# .*\n", Comment.Single),
            (r".*\n", Generic.Output),
        ]
    }
