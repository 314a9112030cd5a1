"""The server's variables, by the names that its users know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from outbound import signing
from transcription.engine.settings import Settings
from transcription.environment import MIN_SECRET_LENGTH, PORTS, SettingsError, choice, whole

_MODEL = "large-v3-turbo"
_HOST = "0.0.0.0"  # noqa: S104 - a container's server; the platform stands before it
_HOSTS = (_HOST, "127.0.0.1", "::")  # what LitServe can listen on


@dataclass(frozen=True, slots=True, kw_only=True)
class LightningSettings:
    """What is done where a request does not say, and where jobs wait.

    ``secret`` is empty when webhooks are not signed. ``core`` are the models' settings.
    """

    core: Settings
    host: str = _HOST
    port: int = 8000
    chunk_size: int = 8
    secret: str = field(default="", repr=False)
    queue_dir: Path = Path(".state/lightning")
    queue_limit: int = 1000

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Empty variables count as unset. Raises SettingsError that names the variable."""
        given = {name: value for name, value in environment.items() if value}
        core = {
            **given,
            "MODELS": given.get("WHISPERX_MODEL") or given.get("MODELS", _MODEL),
            "COMPUTE_TYPE": given.get("WHISPERX_COMPUTE_TYPE") or given.get("COMPUTE_TYPE", ""),
            # Empty has a meaning for this one: no aligner.
            "ALIGN_LANGUAGES": environment.get(
                "WHISPERX_ALIGN_LANGS", environment.get("ALIGN_LANGUAGES", "en")
            ),
        }
        settings = cls(
            core=Settings.from_environment(core),
            host=choice(given, "HOST", _HOST, _HOSTS),
            port=whole(given, "PORT", 8000, most=PORTS),
            chunk_size=whole(given, "CHUNK_SIZE", 8, least=1, most=120),
            secret=given.get("LIGHTNING_WEBHOOK_SECRET", ""),
            queue_dir=Path(given.get("QUEUE_DIR", ".state/lightning")),
            queue_limit=whole(given, "QUEUE_LIMIT", 1000, least=1, most=1_000_000),
        )
        _check(settings.secret)
        return settings

    @property
    def signing_key(self) -> str:
        """The key of the Standard Webhooks signature: the secret, or made from it."""
        own = self.secret.startswith(signing.PREFIX)
        return self.secret if own else signing.derive_key(self.secret)


def _check(secret: str) -> None:
    if secret.startswith(signing.PREFIX):
        try:
            signing.check_key(secret)
        except ValueError as error:
            raise SettingsError(f"LIGHTNING_WEBHOOK_SECRET {error}") from None
    elif 0 < len(secret) < MIN_SECRET_LENGTH:
        raise SettingsError(
            f"LIGHTNING_WEBHOOK_SECRET is shorter than {MIN_SECRET_LENGTH} characters"
        )
