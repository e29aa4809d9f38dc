"""The rule of what no shell touches, on known good and bad words, and against zsh where there is one."""

import shutil
from pathlib import Path

import pytest
from shells import scripts, touched, words

GOOD = [
    "x=-1:1:31",
    "file=a.h5,b.h5",
    "architecture.options.model_name=resnet18",
    "out=skip_$skip.h5",
    "out=${skip}_x.h5",
    "direction.to=runs/digits-cnn_batch_size-32,b",
    "lr=1e-3",
    "x='[-1,1,31]'",
    '"landscape-cli[cluster]"',
    r"x=\[-1,1,31\]",
    "--nproc-per-node=2",
    "a=b=c",
    "source=my.models:make",
    "$HEAD:29500",
]
BAD = {
    "x=[-1,1,31]": "[]",
    "file=*.h5": "*",
    "file=a?.h5": "?",
    "file={a,b}.h5": "{}",
    "choice(a,b)": "()",
    "~/run": "~",
    "run=a~b": "~",
    "run=a^b": "^",
    "a=1 # a line": "#",
    "lr=!3": "!",
    "=cnn": "=",
    "a=b =cnn": "=",
    "'x='[1]'y'": "[]",
}
IN_ZSH = ["x=[-1,1,31]", "file=*.h5", "file=a?.h5", "file={a,b}.h5", "choice(a,b)", "~/run", "a # b", "=ls"]


@pytest.mark.parametrize("word", GOOD)
def test_good_words(word: str) -> None:
    assert touched(word) == []


@pytest.mark.parametrize("word", BAD)
def test_bad_words(word: str) -> None:
    assert "".join(touched(word)) == BAD[word]


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh here")
def test_zsh_agrees(tmp_path: Path) -> None:
    for word in GOOD:
        if "$" not in word:
            plain = word.replace("'", "").replace('"', "").replace("\\", "")
            assert words("zsh", f"landscape {word}", tmp_path) == [["landscape", plain]]
    for word in IN_ZSH:
        assert touched(word)
        assert not passes_unharmed(word, tmp_path)
    assert passes_unharmed("x=-1:1:31", tmp_path)


def passes_unharmed(word: str, folder: Path) -> bool:
    try:
        return words("zsh", f"landscape {word}", folder) == [["landscape", word]]
    except AssertionError:
        return False


def test_commands_are_found_in_blocks_and_sentences() -> None:
    page = (
        "Say:\n\n    $ landscape list\n    its output\n    # remark\n    $ landscape train \\\n      a=1\n\n"
        "or `landscape list runs`, not `landscape <command>` or `landscape`\n\n    import landscape_cli\n\n"
        "and:\n\n    for a in b; do\n      landscape train\n    done\n"
    )
    assert scripts(page) == [
        "landscape list",
        "landscape train \\\n      a=1",
        "for a in b; do\n  landscape train\ndone",
        "landscape list runs",
    ]
