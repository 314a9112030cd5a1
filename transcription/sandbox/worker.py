"""One recording in one process, from the moment that it is handed over to this process's end."""

import json
import os
import socket
import sys
from collections.abc import Callable, Iterable, Mapping
from io import FileIO
from typing import Any, NoReturn

from transcription.errors import InvalidAudio, InvalidInput
from transcription.sandbox.confinement import Bounds, Confinement, die_with_parent
from transcription.sandbox.protocol import DESCRIPTION, DONE, ENDS_OUT_OF_MEMORY, HANDED, QUESTION
from transcription.sources import Source

# What a job gives: a description in JSON's types, how many bytes of samples there are, and those
# that are not zero, by their position.
Result = tuple[Mapping[str, Any], int, Iterable[tuple[int, memoryview]]]
Job = Callable[[Source, Mapping[str, Any]], Result]


def work(inbox: socket.socket, job: Job, rehearse: Callable[[], object]) -> NoReturn:
    """Wait for a recording, and end with it.

    What can be done ahead is: what a fork touches first is copied then, and not when it matters.
    """
    die_with_parent()
    _leave_the_terminal()
    rehearse()
    confinement = Confinement()
    _, handed, _, _ = socket.recv_fds(inbox, 1, HANDED)
    inbox.close()
    if len(handed) < HANDED:
        os._exit(0)  # nobody needs this process any more
    recording, exchange, end = handed
    asked = json.loads(os.pread(exchange, QUESTION, 0))
    file = FileIO(recording, "rb")
    file.name = asked["name"]  # FFmpeg looks at its ending
    confinement.complete(Bounds(**asked["bounds"]))
    try:
        description, size, pieces = job(file, asked["arguments"])
    except InvalidAudio as error:
        description, size, pieces = {"refused": [None, error.reason]}, 0, ()
    except InvalidInput as error:
        description, size, pieces = {"refused": [error.field, error.reason]}, 0, ()
    except MemoryError:
        os._exit(ENDS_OUT_OF_MEMORY)
    except Exception as error:
        description, size, pieces = {"broke": type(error).__name__}, 0, ()
    _write(exchange, json.dumps(description).encode() + b"\n", 0)
    if size:
        _write(exchange, b"\0", DESCRIPTION + size - 1)
    for position, piece in pieces:
        _write(exchange, piece, DESCRIPTION + position)
    os.write(end, DONE)
    os._exit(0)


def _write(file: int, content: bytes | memoryview, position: int) -> None:
    left = memoryview(content).cast("B")
    while left:
        written = os.pwrite(file, left, position)
        left, position = left[written:], position + written


def _leave_the_terminal() -> None:
    """What a decoder prints would stand in the operator's log."""
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (sys.__stdin__, sys.__stdout__, sys.__stderr__):
        if descriptor is not None:
            os.dup2(nothing, descriptor.fileno())
    os.close(nothing)
