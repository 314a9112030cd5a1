"""Everything the bridge takes from its environment, read once and checked."""

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Self

from yarl import URL

from bridge.records.tenants import DEFAULT, Tenant
from bridge.variables import Variables
from outbound.policy import Policy
from outbound.signing import check_key, derive_key
from transcription.default_model import default_model
from transcription.environment import (
    OPTIONAL,
    SettingsError,
    check_secret,
    check_token,
    choice,
    given,
    listed,
)
from transcription.model_names import Names, read_aliases

CLIENT_WEBHOOKS = ("relay", "forward")
LOG_FORMATS = ("text", "json", "console")
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://[^/?#\s]+")


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings(Variables):
    """The bridge's configuration."""

    def __post_init__(self) -> None:
        for token in self.bearer_tokens or ("",):
            check_token("BRIDGE_TOKEN", token)
        for secret in self.webhook_secrets or ("",):
            check_secret("WEBHOOK_SECRET", secret)
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
            ("OTEL_EXPORTER_OTLP_ENDPOINT", self.otlp_endpoint, {"http", "https"}),
            ("PUBLIC_URL", self.public_url, {"http", "https"}),
        ):
            _check_url(name, url, schemes)
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
        choice({"LOG_LEVEL": self.log_level.upper()}, "LOG_LEVEL", "", LOG_LEVELS)
        choice({"DECODER_SANDBOX": self.decoder_sandbox}, "DECODER_SANDBOX", "", OPTIONAL)
        if self.api_keys_file and self.client_webhooks == "forward":
            # What is forwarded leaves no record, and what has no record has no tenant.
            raise SettingsError("CLIENT_WEBHOOKS=forward cannot be used with API_KEYS_FILE")
        for origin in self.cors_origins - {"*", "null"}:
            if not _ORIGIN.fullmatch(origin):
                raise SettingsError(f"CORS_ALLOWED_ORIGINS: {origin!r} is no origin")

    def _settle_signing_key(self) -> None:
        try:
            key = self.signing_key or derive_key(self.webhook_secrets[0])
            check_key(key)
        except ValueError as error:
            raise SettingsError(f"WEBHOOK_SIGNING_KEY: {error}") from None
        object.__setattr__(self, "signing_key", key)

    def signing_key_of(self, tenant: Tenant) -> str:
        """The key that signs the tenant's webhooks; of each tenant another."""
        if tenant == DEFAULT:
            return self.signing_key
        return derive_key(self.webhook_secrets[0], tenant.name)

    def retired_signing_keys_of(self, tenant: Tenant) -> tuple[str, ...]:
        """Keys that were derived from secrets that are still valid, for who has not the new one."""
        name = () if tenant == DEFAULT else (tenant.name,)
        current, *retired = (derive_key(secret, *name) for secret in self.webhook_secrets)
        return tuple(retired) if self.signing_key_of(tenant) == current else ()

    @property
    def has_tenants(self) -> bool:
        """Whether there may be others than the holders of the bearer tokens."""
        return bool(self.api_keys_file or self.allow_anonymous)

    @property
    def cors_origins(self) -> frozenset[str]:
        """Origins in the form in which browsers send them."""
        return frozenset(origin.lower().rstrip("/") for origin in listed(self.cors_allowed_origins))

    @property
    def sandbox_required(self) -> bool:
        """Whether recordings are read behind every layer or not at all."""
        return self.decoder_sandbox == "required"

    @property
    def sound_seconds(self) -> int:
        """How long sound is kept; never longer than its record."""
        return min(self.keep_recordings, self.result_ttl)

    @property
    def bearer_tokens(self) -> tuple[str, ...]:
        """The tokens that are valid now."""
        return listed(self.tokens)

    @property
    def webhook_secrets(self) -> tuple[str, ...]:
        """The secrets that are valid now; the first signs."""
        return listed(self.webhook_secret)

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


def _check_url(name: str, text: str, schemes: Collection[str]) -> None:
    """Raises SettingsError, which does not quote the URL: it may hold a password."""
    if not text:
        return
    try:
        url = URL(text)
        usable = url.scheme in schemes and bool(url.host or url.scheme == "unix")
    except ValueError:  # of a port or an address that is none
        usable = False
    if not usable:
        raise SettingsError(f"{name} must be a {' or '.join(sorted(schemes))} URL")
