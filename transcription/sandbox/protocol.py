"""What a sandbox's processes say to each other.

The client hands over three descriptors: the recording; the exchange, a file in which the question
stands and the answer will, a line of JSON each; and a socket on which the end is reported. Samples
stand in the exchange behind the line.
"""

import struct

HANDED = 3
QUESTION = 1 << 14  # bytes that the question may have
DESCRIPTION = 1 << 20  # bytes that the line may have; samples follow
DONE = b"done"
ENDS_OUT_OF_MEMORY = 3
_STATUS = "i"


def end_of(status: int) -> bytes:
    """What a client reads of a worker that ended without being done, with this exit status."""
    return struct.pack(_STATUS, status)


def status_of(said: bytes) -> int:
    """The exit status that was reported; -n where signal n ended it."""
    return int(struct.unpack(_STATUS, said.ljust(struct.calcsize(_STATUS), b"\0"))[0])
