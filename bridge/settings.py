"""Everything the bridge takes from its environment, read once."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from yarl import URL

from outbound.policy import Policy
from outbound.signing import check_key, derive_key
from transcription.default_model import ON_CPU, default_model
from transcription.environment import (
    PORTS,
    SettingsError,
    check_secret,
    choice,
    given,
    listed,
    variable,
)
from transcription.model_names import Names, read_aliases

LONGEST_SYNC_TIMEOUT = 599  # seconds; at 600 the official clients give up and send again
CLIENT_WEBHOOKS = ("relay", "forward")
LOG_FORMATS = ("text", "json", "console")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The bridge's configuration; the descriptions are what `.env.example` says."""

    tokens: str = variable(
        "BRIDGE_TOKEN",
        "",
        "Bearer token of the API. Several, separated by commas, are valid at once (rotation).",
        "BRIDGE_AUTH_TOKEN",
    )
    webhook_secret: str = variable(
        "WEBHOOK_SECRET", "", "Authenticates Cog's calls on the internal listener."
    )
    redis_url: str = variable(
        "REDIS_URL", "redis://127.0.0.1:6379/0", "Records and queue; may hold a password."
    )
    redis_password: str = variable(
        "REDIS_PASSWORD", "", "Password of Redis, instead of one in REDIS_URL."
    )
    cog_url: str = variable("COG_URL", "http://127.0.0.1:5000", "Where Cog listens.")
    cog_slots: int = variable("COG_SLOTS", 1, "Predictions that Cog runs at once.", least=1)
    host: str = variable("BRIDGE_HOST", "127.0.0.1", "Address the API listens on.")
    port: int = variable(
        "BRIDGE_PORT", 8080, "Port the API listens on; 0 takes a free one.", most=PORTS
    )
    internal_port: int = variable(
        "INTERNAL_PORT",
        8081,
        "Loopback port for Cog's webhooks and downloads; 0 takes a free one.",
        most=PORTS,
    )
    public_url: str = variable(
        "PUBLIC_URL", "", "Base of the links in answers; taken from the request when empty."
    )
    files_dir: Path = variable(
        "FILES_DIR",
        Path(".state/files"),
        "Uploaded and fetched recordings; shared by all bridges on one Redis.",
    )
    models: str = variable(
        "MODELS",
        ON_CPU,
        "Models the predictor was started with; the first is the default. Not set: large-v3 where "
        "there is a GPU, base where there is none.",
    )
    model_aliases: str = variable(
        "MODEL_ALIASES",
        "",
        "Other names for models of MODELS, as name=model, comma-separated. A name that the hub has "
        "for a model is known anyway.",
    )
    align_models: str = variable(
        "ALIGN_MODELS", "", "Alignment models that requests may choose as align_model."
    )
    model_name: str = variable("MODEL_NAME", "whisperx/whisperx-stack", "Shown as owner/name.")
    model_version: str = variable(
        "MODEL_VERSION", "", "Shown as version; a hash of code and models when empty."
    )
    result_ttl: int = variable("RESULT_TTL", 86_400, "Seconds that a result is kept.", least=1)
    keep_recordings: int = variable(
        "KEEP_RECORDINGS",
        0,
        "Seconds that the sound of what was transcribed is kept to be listened to, at most "
        "RESULT_TTL; of a corrected transcript until it is deleted. 0: none is.",
    )
    page: int = variable("PAGE", 1, "0: no page for people at /.", most=1)
    revision_limit: int = variable(
        "REVISION_LIMIT",
        1000,
        "Corrected transcripts that are kept at once; beyond it saving another is answered 507.",
    )
    queue_limit: int = variable(
        "QUEUE_LIMIT",
        1000,
        "Unfinished predictions at once; beyond it the API answers 429.",
        least=1,
    )
    max_run_seconds: int = variable(
        "MAX_RUN_SECONDS", 3600, "Seconds that one prediction may run.", least=1
    )
    max_file_bytes: int = variable(
        "MAX_FILE_BYTES", 1 << 30, "Largest recording, uploaded or fetched, in bytes.", least=1
    )
    max_json_bytes: int = variable(
        "MAX_JSON_BYTES",
        140 << 20,
        "Largest JSON body in bytes (a data URI is 4/3 of its file).",
        least=1,
    )
    max_audio_seconds: int = variable(
        "MAX_AUDIO_SECONDS", 6 * 3600, "Longest recording in seconds.", least=1
    )
    fetch_timeout: int = variable(
        "FETCH_TIMEOUT", 600, "Seconds that one download may take.", least=1
    )
    allowed_private_hosts: str = variable(
        "ALLOWED_PRIVATE_HOSTS",
        "",
        "Private hosts that recordings may come from and webhooks go to: host, host:port or CIDR, "
        "comma-separated.",
    )
    client_webhooks: str = variable(
        "CLIENT_WEBHOOKS",
        "relay",
        "relay: the bridge records every prediction and delivers the client's webhook itself. "
        "forward: a request with webhook and webhook_events_filter goes to Cog as it is.",
    )
    signing_key: str = variable(
        "WEBHOOK_SIGNING_KEY",
        "",
        "Signs what clients receive: whsec_ and base64 of 24 to 64 bytes. Derived from "
        "WEBHOOK_SECRET when empty.",
    )
    files_quota_bytes: int = variable(
        "FILES_QUOTA_BYTES",
        20 << 30,
        "Bytes that all recordings in FILES_DIR may take together.",
        least=1,
    )
    file_ttl: int = variable(
        "FILE_TTL", 86_400, "Seconds that a file uploaded to /v1/files is kept.", least=1
    )
    upload_idle_timeout: int = variable(
        "UPLOAD_IDLE_TIMEOUT",
        75,
        "Seconds without a byte after which an upload is given up; also the time that a "
        "connection has for a request's headers.",
        least=1,
    )
    metrics_port: int = variable(
        "METRICS_PORT",
        0,
        "Port of Prometheus's /metrics, at BRIDGE_HOST; 0: no metrics.",
        most=PORTS,
    )
    sync_timeout: int = variable(
        "SYNC_TIMEOUT",
        540,
        "Seconds that /audio/… and /transcribe hold an answer; then it is 504 and the work goes "
        "on. Below 600.",
        "OPENAI_STT_TIMEOUT_SECONDS",
        least=1,
        most=LONGEST_SYNC_TIMEOUT,
    )
    openai_max_megabytes: int = variable(
        "OPENAI_STT_MAX_FILE_SIZE_MB",
        0,
        "Largest file of /audio/transcriptions and /audio/translations, in MiB; 0: MAX_FILE_BYTES "
        "alone decides.",
    )
    allow_anonymous: int = variable(
        "ALLOW_ANONYMOUS",
        0,
        "1: /audio/…, /transcribe, /models and results by id need no token. For trusted networks.",
        most=1,
    )
    speakers_model: str = variable(
        "WHISPER_MODEL",
        "",
        "Model of /audio/transcribe-with-speakers; loaded besides MODELS. When empty: medium if "
        "MODELS has it, else the first of MODELS.",
    )
    cors_allowed_origins: str = variable(
        "CORS_ALLOWED_ORIGINS",
        "",
        "Origins whose pages may call the API from a browser, comma-separated, as in "
        "https://example.org; * for all.",
    )
    log_level: str = variable("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR.")
    log_format: str = variable(
        "LOG_FORMAT", "text", "text for people (console says the same), json for a collector."
    )

    def __post_init__(self) -> None:
        if not self.bearer_tokens:
            raise SettingsError("BRIDGE_TOKEN is not set")
        for token in self.bearer_tokens:
            check_secret("BRIDGE_TOKEN", token)
        check_secret("WEBHOOK_SECRET", self.webhook_secret)
        if self.redis_password:
            check_secret("REDIS_PASSWORD", self.redis_password)
        if not listed(self.models):
            raise SettingsError("MODELS names no model")
        if len(self.model_name.split("/")) != 2:
            raise SettingsError("MODEL_NAME must be owner/name")
        try:
            read_aliases(self.model_aliases, self.model_names)
        except ValueError as error:
            raise SettingsError(f"MODEL_ALIASES: {error}") from None
        self._check_choices()
        self._settle_signing_key()
        for name, url, schemes in (
            ("REDIS_URL", self.redis_url, {"redis", "rediss", "unix"}),
            ("COG_URL", self.cog_url, {"http", "https"}),
        ):
            if URL(url).scheme not in schemes:
                raise SettingsError(f"{name} must be a {' or '.join(sorted(schemes))} URL")
        try:
            Policy.parse(self.allowed_private_hosts)
        except ValueError as error:
            raise SettingsError(f"ALLOWED_PRIVATE_HOSTS: {error}") from None

    @property
    def redis_address(self) -> str:
        """REDIS_URL with the password."""
        if not self.redis_password:
            return self.redis_url
        return str(URL(self.redis_url).with_password(self.redis_password))

    def _check_choices(self) -> None:
        choice({"CLIENT_WEBHOOKS": self.client_webhooks}, "CLIENT_WEBHOOKS", "", CLIENT_WEBHOOKS)
        choice({"LOG_FORMAT": self.log_format}, "LOG_FORMAT", "", LOG_FORMATS)
        for origin in self.cors_origins - {"*", "null"}:
            if not _ORIGIN.fullmatch(origin):
                raise SettingsError(f"CORS_ALLOWED_ORIGINS: {origin!r} is no origin")

    def _settle_signing_key(self) -> None:
        try:
            key = self.signing_key or derive_key(self.webhook_secret)
            check_key(key)
        except ValueError as error:
            raise SettingsError(f"WEBHOOK_SIGNING_KEY: {error}") from None
        object.__setattr__(self, "signing_key", key)

    @property
    def cors_origins(self) -> frozenset[str]:
        """Origins in the form in which browsers send them."""
        return frozenset(origin.lower().rstrip("/") for origin in listed(self.cors_allowed_origins))

    @property
    def sound_seconds(self) -> int:
        """How long sound is kept; without its record nobody finds it."""
        return min(self.keep_recordings, self.result_ttl)

    @property
    def bearer_tokens(self) -> tuple[str, ...]:
        """The tokens that are valid now."""
        return listed(self.tokens)

    @property
    def model_names(self) -> tuple[str, ...]:
        """The operator's models, the default first."""
        return tuple(dict.fromkeys((*listed(self.models), *listed(self.speakers_model))))

    @property
    def names(self) -> Names:
        """The models with all that they are called."""
        return Names(self.model_names, read_aliases(self.model_aliases, self.model_names))

    @property
    def speakers_default(self) -> str:
        """The model of the route that tells speakers: `medium` in the system it comes from."""
        chosen = self.speakers_model.strip() or "medium"
        return chosen if chosen in self.model_names else self.model_names[0]

    @property
    def align_model_names(self) -> tuple[str, ...]:
        """The operator's alignment models that may be asked for by name."""
        return listed(self.align_models)

    @property
    def policy(self) -> Policy:
        """Which addresses recordings may come from."""
        return Policy.parse(self.allowed_private_hosts)

    @classmethod
    def from_env(cls, environ: Mapping[str, str]) -> Self:
        """Raises SettingsError naming the variable that is missing or wrong."""
        values = {"models": default_model(environ)[0], **given(cls, environ)}
        return cls(**values)
