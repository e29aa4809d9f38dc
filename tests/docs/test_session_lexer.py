from pygments.token import Comment, Generic

from session_lexer import SessionLexer

SESSION = """$ landscape train \\
  epochs=3
outputs/runs/it's
# the root's own
"""


def test_a_comment_is_none_of_roots_commands() -> None:
    tokens = list(SessionLexer().get_tokens(SESSION))
    assert (Comment.Single, "# the root's own\n") in tokens
    assert (Generic.Output, "outputs/runs/it's\n") in tokens
    assert tokens[0] == (Generic.Prompt, "$ ")
    assert [text for kind, text in tokens if kind is Generic.Output] == ["outputs/runs/it's\n"]
