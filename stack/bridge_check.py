"""Whether the bridge could start: its variables and keys, or the Redis that is not our own.

The interpreter that runs the bridge runs this: ``python -m stack.bridge_check [redis]``. Asked
for Redis it prints the version. It writes an error to stderr and ends with status 1.
"""

import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from bridge.records import api_keys
from bridge.settings import Settings
from transcription.environment import SettingsError

ANSWER_SECONDS = 2.0
_TLS = "rediss://"


def check_keys(settings: Settings) -> None:
    """Raises SettingsError: what a running bridge passes over would be missed at a first start."""
    if not settings.api_keys_file:
        return
    try:
        found = list(api_keys.read(Path(settings.api_keys_file).read_text()))
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "it is no text"
        raise SettingsError(
            f"API_KEYS_FILE: {settings.api_keys_file} cannot be read: {reason}; "
            "`python -m bridge keys add` makes it"
        ) from None
    for number, line in found:
        if isinstance(line, ValueError):
            raise SettingsError(f"API_KEYS_FILE: line {number}: {line}")


def redis_version(settings: Settings) -> str:
    """As the Redis at REDIS_URL tells it. Raises SettingsError."""
    # Nothing else bounds how long a name may take to resolve: the process is ended then.
    signal.setitimer(signal.ITIMER_REAL, ANSWER_SECONDS + 0.5)
    try:
        with Redis.from_url(
            settings.redis_address,
            protocol=2,  # an old one knows no other
            retry=Retry(NoBackoff(), 0),
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
        ) as redis:
            return str(redis.info("server")["redis_version"])
    except (RedisError, OSError, ValueError) as error:
        spoken = " (rediss:// is Redis with TLS)" if settings.redis_url.startswith(_TLS) else ""
        raise SettingsError(f"REDIS_URL: {error}{spoken}") from None


def _of_redis(environ: Mapping[str, str]) -> Settings:
    """The settings of Redis alone: another variable's fault is not Redis'."""
    asked = {name: environ[name] for name in ("REDIS_URL", "REDIS_PASSWORD") if name in environ}
    others = dict.fromkeys(("BRIDGE_TOKEN", "WEBHOOK_SECRET"), "not-asked-for")
    return Settings.from_env({**asked, **others})


def main() -> int:
    """The exit status."""
    try:
        if sys.argv[1:] == ["redis"]:
            print(redis_version(_of_redis(os.environ)))
        else:
            check_keys(Settings.from_env(os.environ))
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
