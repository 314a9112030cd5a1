"""The variables that the bridge reads: name, default and description, once."""

from dataclasses import dataclass
from pathlib import Path

from transcription.default_model import ON_CPU
from transcription.environment import PORTS, variable

LONGEST_SYNC_TIMEOUT = 599  # seconds; at 600 the official clients give up and send again


@dataclass(frozen=True, slots=True, kw_only=True)
class Variables:
    """As the environment gives them; the descriptions are what `.env.example` says."""

    tokens: str = variable(
        "BRIDGE_TOKEN",
        "",
        "Bearer token of the API. Several, separated by commas, are valid at once (rotation).",
        "BRIDGE_AUTH_TOKEN",
    )
    api_keys_file: str = variable(
        "API_KEYS_FILE",
        "",
        "File of further keys of the API, a line each, and of their tenants. `python -m bridge "
        "keys` writes it; it is read again when it changes.",
    )
    webhook_secret: str = variable(
        "WEBHOOK_SECRET",
        "",
        "Authenticates Cog's calls, signed links, and what Redis holds. Several, separated by "
        "commas, are valid at once; the first signs (rotation).",
    )
    redis_url: str = variable(
        "REDIS_URL", "redis://127.0.0.1:6379/0", "Records and queue; may hold a password."
    )
    redis_password: str = variable(
        "REDIS_PASSWORD", "", "Password of Redis, instead of one in REDIS_URL."
    )
    cog_url: str = variable("COG_URL", "http://127.0.0.1:5000", "Where Cog listens.")
    cog_slots: int = variable(
        "COG_SLOTS", 1, "Predictions that Cog runs at once; Cog's process reads it, too.", least=1
    )
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
        "Corrected transcripts of a tenant that are kept at once; beyond it saving another is "
        "answered 507.",
    )
    queue_limit: int = variable(
        "QUEUE_LIMIT",
        1000,
        "Unfinished predictions of a tenant at once; beyond it the API answers 429.",
        least=1,
    )
    max_run_seconds: int = variable(
        "MAX_RUN_SECONDS",
        3600,
        "Seconds that one prediction may run; beside n others it has n + 1 times as long.",
        least=1,
    )
    drain_seconds: int = variable(
        "DRAIN_SECONDS",
        3600,
        "Seconds that a bridge which is stopping goes on with what it has begun; the rest is "
        "handed on to the next one. `make up` gives it 30.",
        least=1,
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
        "1: no token is needed, on the page neither. All who send none share what they make. For "
        "trusted networks.",
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
    decoder_sandbox: str = variable(
        "DECODER_SANDBOX",
        "optional",
        "required: a start without every layer of the decoders' sandbox (landlock, seccomp) fails. "
        "The log and /health say what was reached.",
    )
    otlp_endpoint: str = variable(
        "OTEL_EXPORTER_OTLP_ENDPOINT",
        "",
        "OpenTelemetry collector, as in http://127.0.0.1:4318, that gets a trace of each "
        "prediction by OTLP over HTTP. Cog reads it, too. When empty: nothing is traced.",
    )
    log_level: str = variable("LOG_LEVEL", "INFO", "DEBUG, INFO, WARNING or ERROR.")
    access_log: int = variable(
        "ACCESS_LOG",
        0,
        "1: a JSON line on standard output for each prediction or file that somebody created, "
        "read, exported, corrected or deleted: who, what, which id.",
        most=1,
    )
    log_format: str = variable(
        "LOG_FORMAT", "text", "text for people (console says the same), json for a collector."
    )
