"""Asks the given Redis for its version; the interpreter that runs the bridge runs this.

Prints the version, or says on stderr why there is none, and ends with status 1.
"""

import os
import sys

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from bridge.settings import Settings
from transcription.environment import SettingsError

ANSWER_SECONDS = 2.0


def main() -> int:
    """The exit status."""
    try:
        with Redis.from_url(
            Settings.from_env(os.environ).redis_address,
            protocol=2,  # an old one knows no other
            retry=Retry(NoBackoff(), 0),
            socket_timeout=ANSWER_SECONDS,
            socket_connect_timeout=ANSWER_SECONDS,
        ) as redis:
            print(redis.info("server")["redis_version"])
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 1
    except (RedisError, OSError, ValueError) as error:
        print(f"REDIS_URL: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
