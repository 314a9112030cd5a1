# The predictor with its models inside, for nodes without a network and quick starts:
#   make images IMAGES=baked BUILD_FLAGS="--build-arg MODELS=large-v3 --secret id=hf_token,src=token.txt"
# The token of a gated model is a build secret: it is in no layer. In the pod, take the volume `models`
# and its mount out, since the models are not in /models.
ARG PREDICTOR=ghcr.io/whisperx-stack/whisperx:0.1.0
FROM ${PREDICTOR}
ARG MODELS=large-v3
ARG ALIGN_LANGUAGES=en
ARG DIARIZATION=required
USER 0
ENV MODELS=${MODELS} \
    ALIGN_LANGUAGES=${ALIGN_LANGUAGES} \
    XDG_CACHE_HOME=/opt/models/cache \
    HF_HOME=/opt/models/huggingface \
    TORCH_HOME=/opt/models/torch
# As the predictor's own setup: what does not load here is not there later.
RUN --mount=type=secret,id=hf_token \
    export HUGGINGFACE_TOKEN="$(cat /run/secrets/hf_token 2>/dev/null || true)" DEVICE=cpu HOME=/tmp DIARIZATION=${DIARIZATION} \
    && python -W ignore -c "import predict; predict.Predictor().setup()" \
    && mkdir -p /opt/models && chmod -R a+rX /opt/models
ENV HF_HUB_OFFLINE=1
USER 10001:10001
