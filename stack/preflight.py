"""What is looked at before anything is started: secrets, folders, ports and Redis.

An error is one line that names the variable.
"""

import contextlib
import errno
import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from stack.machine import STATE_BYTES, check_disk
from stack.processes import holder, listener, named
from stack.services import bridge
from stack.settings import KEPT_IN, LOOPBACK, ROOT, StackSettings
from transcription.environment import SettingsError, check_secret, check_token, listed

LOCK_SECONDS = 1.0  # how long the processes of a stack that was just stopped may take to vanish
LOCK_PAUSE = 0.05
OLDEST_REDIS = (6, 2)  # XAUTOCLAIM, by which a lost job is found


@contextlib.contextmanager
def prepared(settings: StackSettings) -> Iterator[tuple[int, ...]]:
    """Locks the folders while the block runs. Raises SettingsError.

    The descriptors are for the processes to inherit: those that outlive us still hold the folders.
    """
    check_secrets(settings)
    with held_folders(settings) as descriptors:
        check_ports(settings)
        check_bridge(settings)
        check_redis(settings)
        _keep_secret(settings)
        yield descriptors


def check_secrets(settings: StackSettings) -> None:
    """Raises SettingsError."""
    for token in listed(settings.bridge_token):
        check_token("BRIDGE_TOKEN", token)
    for secret in listed(settings.webhook_secret):
        check_secret("WEBHOOK_SECRET", secret)


@contextlib.contextmanager
def held_folders(settings: StackSettings) -> Iterator[tuple[int, ...]]:
    """The folders are ours while the block runs. Raises SettingsError."""
    own = settings.own_redis_port is not None
    # Bridges on one Redis share their recordings; another Redis knows nothing of them.
    folders = {settings.files_dir: ("FILES_DIR", own)}
    folders[settings.state_dir] = ("STATE_DIR", True)
    with contextlib.ExitStack() as stack:
        descriptors = []
        for folder, (name, alone) in sorted(folders.items()):
            descriptor = _opened(name, folder)
            stack.callback(os.close, descriptor)
            _lock(descriptor, name, folder, alone=alone)
            descriptors.append(descriptor)
            check_disk(name, folder, STATE_BYTES)
        yield tuple(descriptors)


def _keep_secret(settings: StackSettings) -> None:
    """Keep a secret that was made up for the next run, readable by this user alone."""
    if "WEBHOOK_SECRET" in settings.generated:
        path = settings.state_dir / KEPT_IN
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(settings.webhook_secret)


def _opened(name: str, folder: Path) -> int:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise SettingsError(f"{name}: {folder} cannot be written to: {error.strerror}") from None


def _lock(descriptor: int, name: str, folder: Path, *, alone: bool) -> None:
    wanted = fcntl.LOCK_EX if alone else fcntl.LOCK_SH
    deadline = time.monotonic() + LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, wanted | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() > deadline:
                held = named(holder(folder.resolve()))
                raise SettingsError(
                    f"{name}: {folder} is in use by {held}; choose another with {name}=FOLDER"
                ) from None
            time.sleep(LOCK_PAUSE)
        except OSError:
            return  # some network file systems know no such lock
        else:
            return


def check_ports(settings: StackSettings) -> None:
    """Raises SettingsError for a port that is taken or not allowed."""
    wanted = [
        ("BRIDGE_PORT", settings.bridge_host, settings.bridge_port),
        ("COG_PORT", LOOPBACK, settings.cog_port),
        ("INTERNAL_PORT", LOOPBACK, settings.internal_port),
    ]
    if settings.metrics_port:
        wanted.append(("METRICS_PORT", settings.bridge_host, settings.metrics_port))
    seen: dict[int, str] = {}
    for name, host, port in wanted:
        if port in seen:
            raise SettingsError(f"{name} and {seen[port]} are both {port}; each needs its own")
        seen[port] = name
        _check_port(name, host, port)


def _check_port(name: str, host: str, port: int) -> None:
    try:
        # A name may have addresses of both families, and the bridge listens at all of them.
        for family, _, _, _, address in socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        ):
            socket.create_server((address[0], port), family=family).close()
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            reason = f"port {port} is taken by {named(listener(port))}; choose another one"
        elif error.errno == errno.EACCES:
            reason = f"port {port} is not for this user; choose one above 1023"
        else:
            reason = f"nobody can listen at {host} (BRIDGE_HOST): {error.strerror}"
        raise SettingsError(f"{name}: {reason}") from None


def check_bridge(settings: StackSettings, *asked: str) -> str:
    """What the bridge's interpreter says of what is ``asked``. Raises SettingsError."""
    given = bridge(settings)
    return _output((given.command[0], "-m", "stack.bridge_check", *asked), given.environ)


def check_redis(settings: StackSettings) -> str:
    """The version of the Redis that is used. Raises SettingsError."""
    if settings.own_redis_port is None:
        return _check_version("REDIS_URL: the Redis there", check_bridge(settings, "redis"))
    if shutil.which("redis-server") is None:
        raise SettingsError("redis-server is not installed; install it, or set REDIS_URL")
    output = _output(("redis-server", "--version"), settings.environ)
    return _check_version("redis-server", output.partition("v=")[2])


def _output(command: Sequence[str], environ: Mapping[str, str]) -> str:
    try:
        done = subprocess.run(  # noqa: S603 - our own commands
            command, cwd=ROOT, env=dict(environ), capture_output=True, text=True, check=False
        )
    except OSError as error:  # of BRIDGE_PYTHON: redis-server was found before
        raise SettingsError(f"{command[0]} cannot be run: {error.strerror}") from None
    if done.returncode == -signal.SIGALRM:
        raise SettingsError("REDIS_URL: the host there is not found in time")
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or ["it gives no version"]
        raise SettingsError(lines[-1])
    return done.stdout


def _check_version(name: str, version: str) -> str:
    found = re.match(r"(\d+)\.(\d+)", version)
    named = version.strip().partition(" ")[0] or "unknown"
    if found is None or tuple(map(int, found.groups())) < OLDEST_REDIS:
        least = ".".join(map(str, OLDEST_REDIS))
        raise SettingsError(f"{name} has version {named}; at least {least} is needed")
    return named
