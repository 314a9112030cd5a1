"""The program: its commands, its help, and the one place where errors become a line."""

import asyncio
import sys
from collections.abc import Sequence
from importlib.metadata import PackageNotFoundError, version

import click
from click.shell_completion import get_completion_class

from client import options, records
from client.failures import MEANINGS, Exit, Failure, shown
from client.server import Refusal
from client.transcribe import transcribe

PROGRAM = "whisperx-stack"
_VARIABLE = "_WHISPERX_STACK_COMPLETE"  # where the shell tells click what was typed
_STATUSES = "".join(f"  {status.value:>3}  {text}\n" for status, text in MEANINGS.items())
_EPILOG = f"""\
Environment:

\b
  WHISPERX_URL    address of the server
  WHISPERX_TOKEN  one of its tokens

Exit status:

\b
{_STATUSES}
"""


def _version() -> str:
    try:
        return version(PROGRAM)
    except PackageNotFoundError:
        return "(a checkout)"


@click.group(
    epilog=_EPILOG,
    no_args_is_help=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(_version(), prog_name=PROGRAM, message="%(prog)s %(version)s")
def program() -> None:
    """Transcribe recordings with a whisperx-stack server: who said what, and when."""


@click.command(params=[options.SHELL])
def completion(shell: str) -> None:
    """Print a script that teaches a shell to complete: eval "$(whisperx-stack completion bash)"."""
    kind = get_completion_class(shell)
    assert kind is not None, "the choices are click's own"
    click.echo(kind(program, {}, PROGRAM, _VARIABLE).source())


for command in (
    transcribe, records.status, records.cancel, records.delete, records.models, records.languages,
    completion,
):  # fmt: skip
    program.add_command(command)


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit status."""
    try:
        ended = program.main(
            arguments, prog_name=PROGRAM, complete_var=_VARIABLE, standalone_mode=False
        )
    except click.exceptions.NoArgsIsHelpError as asked:
        asked.show()
        return Exit.USAGE
    except (Exception, asyncio.CancelledError) as error:
        text, status = _explained(error)
        if text:
            sys.stderr.write(f"{PROGRAM}: {shown(' '.join(text.split()))}\n")
        return status
    return ended if isinstance(ended, int) else Exit.OK


def _explained(error: BaseException) -> tuple[str, Exit]:
    """What is said of an error, and the exit status."""
    match error:
        case click.Abort():
            found = "", Exit.INTERRUPTED
        case asyncio.CancelledError():
            found = "", Exit.TERMINATED
        case click.ClickException():
            found = f"{error.format_message()} (see {PROGRAM} --help)", Exit.USAGE
        case Failure():
            found = error.message, error.status
        case Refusal():
            found = error.reason, Exit.USAGE if error.status < 500 else Exit.FAILED
        case BrokenPipeError():
            found = "", Exit.FAILED
        case _:
            found = f"unexpected {type(error).__name__}: {error}; please report it", Exit.FAILED
    return found
