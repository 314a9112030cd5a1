"""The Modal app: the whole stack in one container, its bridge as the public address.

``modal deploy -m platforms.modal.app``; before the first time, and for other models,
``modal run -m platforms.modal.app::download``. docs/platforms.md has the whole sequence.
"""

import os
from collections.abc import Mapping
from typing import Final

import modal

from platforms.modal.awake import Awake
from platforms.modal.process import ROOT, StackProcess, stack_environment

PORT: Final = int(os.environ.get("BRIDGE_PORT", "8080"))
MODELS_DIR: Final = "/models"
MODEL: Final = "large-v3-turbo"
START_SECONDS: Final = 300.0  # from a cold volume; the models load in seconds from a warm one
_SITE: Final = "/usr/local/lib/python3.11/site-packages"
_NOT_NEEDED: Final = [
    ".git",
    ".env",
    ".venv*",
    ".state",
    "tests",
    "docs",
    "benchmarks",
    "**/__pycache__",
]

app = modal.App("whisperx-stack", include_source=False)  # the image has all of it
volume = modal.Volume.from_name("whisperx-stack-models", create_if_missing=True)
# BRIDGE_TOKEN and WEBHOOK_SECRET; HUGGINGFACE_TOKEN, MODELS and the bridge's variables as wanted.
secret = modal.Secret.from_name("whisperx-stack", required_keys=["BRIDGE_TOKEN", "WEBHOOK_SECRET"])
_LOCKED = "--no-deps --require-hashes"
image = (
    modal.Image.debian_slim(python_version="3.11")
    .apt_install("redis-server")
    .pip_install_from_requirements(str(ROOT / "requirements/locked/gpu.txt"), extra_options=_LOCKED)
    .pip_install_from_requirements(str(ROOT / "requirements/locked/cog.txt"), extra_options=_LOCKED)
    .pip_install_from_requirements(
        str(ROOT / "requirements/locked/bridge.txt"), extra_options=_LOCKED
    )
    .run_commands("python -m nltk.downloader -d /opt/nltk_data punkt_tab")
    .env(
        {
            "NLTK_DATA": "/opt/nltk_data",
            "HF_HOME": f"{MODELS_DIR}/huggingface",
            "XDG_CACHE_HOME": f"{MODELS_DIR}/cache",
            "TORCH_HOME": f"{MODELS_DIR}/torch",
            # CTranslate2 looks for cuBLAS and cuDNN by name; torch's packages bring both.
            "LD_LIBRARY_PATH": f"{_SITE}/nvidia/cublas/lib:{_SITE}/nvidia/cudnn/lib",
        }
    )
    .add_local_dir(ROOT, "/root", ignore=_NOT_NEEDED)
)


@app.function(  # type: ignore[untyped-decorator] # not in the environment of mypy
    image=image, volumes={MODELS_DIR: volume}, secrets=[secret], memory=16384, timeout=3600
)
def download() -> list[str]:
    """Puts the models that MODELS names onto the volume; their names."""
    from platforms.download import download as fetch_all  # noqa: PLC0415 - imports torch

    names = fetch_all(_with_default_model(os.environ))
    if not modal.is_local():
        volume.commit()
    return names


@app.cls(
    image=image,
    gpu="A10G",
    timeout=600,
    min_containers=0,
    max_containers=1,  # records and queue are the container's; a second would not know them
    scaledown_window=120,
    volumes={MODELS_DIR: volume},
    secrets=[secret],
    enable_memory_snapshot=True,
)
@modal.concurrent(max_inputs=100)
class Service:
    """One container: requests of all clients at once, predictions one after the other."""

    # After the snapshot, which therefore holds this program alone: no secret, no process, no GPU.
    @modal.enter(snap=False)  # type: ignore[untyped-decorator]
    def start(self) -> None:
        """Starts the stack and waits until it would run a prediction."""
        environment = stack_environment(MODELS_DIR, MODEL)
        self.stack = StackProcess(environment, PORT)
        self.stack.ready(START_SECONDS)
        token = environment["BRIDGE_TOKEN"].partition(",")[0]
        self.awake = Awake(self.stack.url, token, _public_url)

    @modal.web_server(PORT, startup_timeout=START_SECONDS)  # type: ignore[untyped-decorator]
    def web(self) -> None:
        """The bridge listens already; Modal passes requests on to it."""

    @modal.exit()  # type: ignore[untyped-decorator]
    def stop(self) -> None:
        """Ends the stack in order."""
        self.awake.stop()
        self.stack.stop()


def _public_url() -> str:
    return os.environ.get("PUBLIC_URL") or str(Service().web.get_web_url())


def _with_default_model(environment: Mapping[str, str]) -> dict[str, str]:
    return {**environment, "MODELS": environment.get("MODELS") or MODEL}
