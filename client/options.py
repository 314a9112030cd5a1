"""The arguments and options of the commands; docs/cli.md is made of them."""

from collections.abc import Callable

import click
from click.shell_completion import CompletionItem

from client.outputs import FORMATS
from client.server import DEFAULT_URL
from transcription.language import LANGUAGES

HOUR = 3600.0


def _among(items: dict[str, str]) -> Callable[..., list[CompletionItem]]:
    """Completes what stands in a list, the last one of several with commas too."""

    def complete(
        context: click.Context, option: click.Parameter, typed: str
    ) -> list[CompletionItem]:
        del context, option
        before, comma, last = typed.rpartition(",")
        fitting = (name for name in items if name.startswith(last))
        return [CompletionItem(before + comma + name, help=items[name]) for name in fitting]

    return complete


CONNECTION: tuple[click.Parameter, ...] = (
    click.Option(
        ["--server"],
        envvar="WHISPERX_URL",
        show_envvar=True,
        default="",
        metavar="URL",
        help=f"Address of the server, with or without /v1. Without it: {DEFAULT_URL}.",
    ),
    click.Option(
        ["--token"],
        envvar="WHISPERX_TOKEN",
        show_envvar=True,
        default="",
        metavar="TOKEN",
        help="One of the server's tokens (BRIDGE_TOKEN). The variable is safer: everybody on this"
        " machine can see a command line.",
    ),
    click.Option(
        ["--json", "as_json"], is_flag=True, help="Write JSON to standard output, for programs."
    ),
)

RECORDINGS = click.Argument(
    ["sources"],
    metavar="FILE|DIR|URL|-...",
    nargs=-1,
    required=True,
    type=click.Path(),  # for the completion
)

RESULTS: tuple[click.Parameter, ...] = (
    click.Option(
        ["-f", "--format", "formats"],
        metavar="FORMAT,...",
        multiple=True,
        default=("srt",),
        show_default="srt",
        shell_complete=_among(dict.fromkeys(FORMATS, "")),
        help=f"What to write: {', '.join(FORMATS)}; several with commas.",
    ),
    click.Option(
        ["-o", "--out"],
        metavar="DIR",
        type=click.Path(),
        help="Where results go, with the folders below a DIR argument; - is standard output."
        " Without it: beside each recording, and for an address in the current folder.",
    ),
    click.Option(
        ["--overwrite"],
        is_flag=True,
        help="Transcribe again what has results, and replace them.",
    ),
    click.Option(
        ["--forget"],
        is_flag=True,
        help="Delete the recording and the result on the server once the result is written here.",
    ),
)

SPEECH: tuple[click.Parameter, ...] = (
    click.Option(
        ["-l", "--language"],
        metavar="LANGUAGE",
        shell_complete=_among(dict(LANGUAGES)),
        help="The language that is spoken, such as en, en-US or English. Without it: detected.",
    ),
    click.Option(["--translate"], is_flag=True, help="Translate into English."),
    click.Option(
        ["-s", "--speakers"],
        metavar="auto|N|N-M",
        shell_complete=_among({"auto": "find out how many there are"}),
        help="Say who speaks. auto finds out how many there are; or give their number or a range.",
    ),
    click.Option(
        ["--names"],
        metavar="NAME=CLIP",
        multiple=True,
        help="Name the speaker whose voice is like the one in CLIP, a file or an address with 2 to"
        " 10 seconds of it. Once for each person.",
    ),
    click.Option(
        ["-m", "--model"],
        metavar="MODEL",
        help="One of the server's models. Without it: its first one.",
    ),
    click.Option(
        ["--prompt"],
        metavar="TEXT",
        help="Text that sets style and spelling, as if it had been said just before.",
    ),
    click.Option(["--hotwords"], metavar="WORDS", help="Words to expect, such as names."),
    click.Option(
        ["--track"],
        metavar="N|mix",
        shell_complete=_among({"mix": "all tracks together"}),
        help="The audio track, counted from 1; or all of them, mixed. Without it: the one in"
        " --language, else the default one of the file, and no commentary.",
    ),
    click.Option(
        ["--set", "settings"],
        metavar="INPUT=VALUE",
        multiple=True,
        help="Any other input of the server, such as batch_size=8. docs/api.md lists them.",
    ),
)

MANNER: tuple[click.Parameter, ...] = (
    click.Option(
        ["-w", "--watch"],
        is_flag=True,
        help="Stay, and transcribe what comes into the folders.",
    ),
    click.Option(
        ["-j", "--jobs", "at_once"],
        metavar="N",
        type=click.IntRange(1, 64),
        default=4,
        show_default=True,
        help="How many recordings are under way at once.",
    ),
    click.Option(
        ["--patience"],
        metavar="SECONDS",
        type=click.FloatRange(0),
        default=HOUR,
        show_default="an hour",
        help="How long a server that went away is waited for.",
    ),
    click.Option(["-q", "--quiet"], is_flag=True, help="Say nothing but what failed."),
)

TRANSCRIBE = (RECORDINGS, *RESULTS, *SPEECH, *MANNER, *CONNECTION)
IDS = click.Argument(["ids"], metavar="ID...", nargs=-1, required=True)
ANY_IDS = click.Argument(["ids"], metavar="[ID...]", nargs=-1)
SHELL = click.Argument(["shell"], type=click.Choice(["bash", "zsh", "fish"]))
