"""A process for each recording that strangers sent, which can do nothing but decode it.

FFmpeg is much code in C, and recordings are written by whoever likes. So what parses them has no
secrets, no network, no files but the one it was handed open, no other processes, and bounds of
memory and time. ``client`` is the host's side; ``keeper`` is a small process that forks ``worker``,
once for every recording; ``confinement`` and ``syscalls`` take a worker's rights away.
"""
