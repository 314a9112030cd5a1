"""The server's variables, by the names that its users know."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from outbound import signing
from transcription.engine.settings import Settings, SettingsError

_MODEL = "large-v3-turbo"
_HOST = "0.0.0.0"  # noqa: S104 - a container's server; the platform stands before it
_HOSTS = (_HOST, "127.0.0.1", "::")  # what LitServe can listen on
_SECRET_LENGTH = 8  # characters, as of the bridge's secrets


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
            host=given.get("HOST", _HOST),
            port=_whole(given, "PORT", 8000, 65535),
            chunk_size=_whole(given, "CHUNK_SIZE", 8, 120),
            secret=given.get("LIGHTNING_WEBHOOK_SECRET", ""),
            queue_dir=Path(given.get("QUEUE_DIR", ".state/lightning")),
            queue_limit=_whole(given, "QUEUE_LIMIT", 1000, 1_000_000),
        )
        if settings.host not in _HOSTS:
            raise SettingsError(f"HOST must be one of {', '.join(_HOSTS)}")
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
    elif 0 < len(secret) < _SECRET_LENGTH:
        raise SettingsError(f"LIGHTNING_WEBHOOK_SECRET is shorter than {_SECRET_LENGTH} characters")


def _whole(given: Mapping[str, str], name: str, default: int, most: int) -> int:
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 0 <= int(text) <= most):
        raise SettingsError(f"{name} must be a whole number from 0 to {most}")
    return int(text)
