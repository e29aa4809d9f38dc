"""The words of a command line: what of them is Hydra's, and what is refused before it sees them."""

from landscape_cli.composition import grown
from landscape_cli.config import CONF
from landscape_cli.errors import LandscapeError, unknown

SWITCHES = ("-h", "--help", "--hydra-help", "--resolve", "-m", "--multirun")
SHOWN = {
    "--cfg": ("job", "hydra", "all"),
    "--info": ("all", "config", "defaults", "defaults-tree", "plugins", "searchpath"),
}
VALUED = {  # options that a word follows: their long names
    **{"-c": "--cfg", "-p": "--package", "-cd": "--config-dir", "-i": "--info"},
    **{name: name for name in ("--cfg", "--package", "--config-dir", "--info")},
}


def hydra_words(command: str, rest: list[str]) -> list[str]:
    """Return Hydra's words for a command's: its overrides must not be interrupted by options.

    `list runs` is `list kind=runs`.

    Raises:
        LandscapeError: a word that is neither an override nor one of those options of Hydra's that make sense
            here.
    """
    if command == "list" and rest and not rest[0].startswith("-") and "=" not in rest[0]:
        rest = [f"kind={rest[0]}", *rest[1:]]
    overrides: list[str] = []
    options: dict[str, str] = {}
    words = iter(rest)
    for word in words:
        key, equals, value = word.partition("=")
        if not key.startswith("-"):
            _check_override(word)
            overrides.append(word)
        elif key in SWITCHES and not equals:
            options[word] = ""
        elif key in VALUED:
            options[VALUED[key]] = _value(key, value if equals else next(words, None))
        else:
            hint = f": {word.lstrip('-')}" if equals else f"; `landscape {command} --help` lists the keys"
            raise LandscapeError(f"cannot read {word!r}; options are written key=value{hint}")
    showing = options.keys() & {"--cfg", "-h", "--help"}
    for option in ("--resolve", "--package"):
        if option in options and not showing:
            raise LandscapeError(f"{option} says how --cfg shows the configuration; say --cfg job {option}")
    return [*grown(command, overrides), *(part for pair in options.items() for part in pair if part)]


def is_multirun(words: list[str]) -> bool:
    """Whether the words ask for a job for each of several values."""
    return "-m" in words or "--multirun" in words


def value_of(words: list[str], key: str, default: str) -> str:
    """Return the value that the last word for a key gives it."""
    return next((word.partition("=")[2] for word in reversed(words) if word.startswith(f"{key}=")), default)


def _check_override(word: str) -> None:
    """Refuse a word that is no ``key=value``, or gives a group something else than one of its choices."""
    key, equals, value = word.partition("=")
    if key.startswith("~"):
        raise LandscapeError(f"no key can be taken away, got {word!r}; say {key.lstrip('~')}=null")
    if not equals or not key:
        raise LandscapeError(f"cannot read {word!r}; write key=value, lists as key=[1,2], with quotes")
    group = key.lstrip("+").partition("@")[0]
    is_group = group.startswith("hydra/") or ("." not in group and (CONF / group).is_dir())
    if is_group and value.startswith(("[", "{")):
        raise LandscapeError(f"{group} must be one of its choices, got {value}; say {group}=name")


def _value(option: str, word: str | None) -> str:
    name = VALUED[option]
    choices = SHOWN.get(name, ())
    if word is None or word.startswith("-"):
        raise LandscapeError(f"{option} needs a word after it{': ' if choices else ''}{', '.join(choices)}")
    if choices and word not in choices:
        raise unknown(option, word, choices)
    return word
