"""The commands of a page, and what shells make of them."""

import re
import shutil
import subprocess
from pathlib import Path

COMMANDS = ("landscape", "make", "torchrun", "pip")
ENDS = (*COMMANDS, "for", "do", "done", "eval")  # what a line of a script begins with
SHELLS = {  # how each reads lines as a person types them: zsh without comments, as it does where people type
    "bash": ["bash", "--norc", "--noprofile", "-s"],
    "zsh": ["zsh", "-f", "-i", "-s"],
}


def scripts(page: str) -> list[str]:
    """Return the commands of a Markdown page's indented blocks, and those in its sentences.

    Where a block has prompts, each line after a prompt is a command; another block is one script, if it
    begins like one.
    """
    found = []
    for block in re.findall(r"(?:^ {4}.*\n)+", page, re.MULTILINE):
        lines = block.replace("\\\n", "\\\0").splitlines()
        if any(line.startswith("    $ ") for line in lines):
            found += [line[6:] for line in lines if line.startswith("    $ ")]
        elif lines[0].split()[0] in ENDS:
            found.append("\n".join(line[4:] for line in lines))
    for code in re.findall(r"(?<!`)`([^`\n]+)`(?!`)", page):
        if code.split()[0] in ENDS and len(code.split()) > 1 and not re.search("[<…]", code):
            found.append(code)
    return [script.replace("\\\0", "\\\n") for script in found]


def touched(line: str) -> list[str]:
    """Return the unquoted characters of a line that zsh, with common options, expands or refuses.

    Patterns ``* ? [ ] ( )``, with extended ones ``^ ~ #``, braces but for ``${name}``, the history's ``!``, a
    word that begins with ``=``; comments are none where people type.
    """
    found, quote = [], ""
    text = re.sub(r"\\(.|\n)", "\0\0", line)  # a backslash, and what it takes the meaning of
    text = re.sub(r"\$\{\w+\}", lambda name: "x" * len(name[0]), text)
    for place, character in enumerate(text):
        begins = place == 0 or text[place - 1].isspace()
        if quote:
            quote = "" if character == quote else quote
        elif character in "'\"":
            quote = character
        elif character in "*?[](){}^~#!" or (character == "=" and begins):
            found.append(character)
    return found


def words(shell: str, script: str, folder: Path) -> list[list[str]]:
    """Return the words of each call of `COMMANDS` in a script, the command's name first.

    Raises:
        AssertionError: the shell said something, as it does of what it cannot read.
    """
    stubs = [f"{name}() {{ printf '%s\\0' {name} \"$@\"; printf '\\0\\n'; }}" for name in COMMANDS]
    program = shutil.which(SHELLS[shell][0])
    assert program is not None
    lines = "\n".join([*stubs, script, ""])
    done = subprocess.run(
        [program, *SHELLS[shell][1:]],
        input=lines,
        cwd=folder,
        env={"HOME": str(folder), "PS1": "", "PS2": "", "TERM": "dumb"},
        capture_output=True,
        text=True,
    )
    told = re.sub(r"\x1b\[[\d;]*[a-zA-Z]|[#%]|\s", "", done.stderr)  # but for marks of the prompt
    assert not told, f"{shell}: {done.stderr}"
    return [call.split("\0")[:-2] for call in done.stdout.split("\n")[:-1]]
