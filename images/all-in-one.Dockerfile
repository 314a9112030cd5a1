# Redis, Cog and the bridge in one container, under the supervisor of `make up`:
#   docker run -p 8002:8002 -e PORT=8002 -e BRIDGE_TOKEN=… -e HF_TOKEN=… -e WHISPER_MODEL=large-v3 \
#       -v whisperx-models:/models -v whisperx-state:/state --gpus all --memory=40g IMAGE
# PREDICTOR is the image that holds the predictor: the one for the CPU, or Cog's for a GPU.
ARG PREDICTOR=ghcr.io/whisperx-stack/whisperx-cpu:0.1.0
FROM ${PREDICTOR}
USER 0
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends redis-server \
    && rm -rf /var/lib/apt/lists/*
COPY requirements/locked/bridge.txt requirements/locked/sbom.txt /tmp/
# An environment of its own: the predictor's packages and the bridge's need not agree.
RUN python -m venv /opt/bridge \
    && /opt/bridge/bin/pip install --no-cache-dir -q --no-deps --require-hashes -r /tmp/bridge.txt \
    && python -m venv /opt/sbom \
    && /opt/sbom/bin/pip install --no-cache-dir -q --no-deps --require-hashes -r /tmp/sbom.txt \
    && /opt/sbom/bin/cyclonedx-py environment --output-reproducible -o /opt/bridge/bridge.cdx.json /opt/bridge/bin/python \
    && rm -rf /opt/sbom
WORKDIR /src
COPY bridge ./bridge
COPY outbound ./outbound
COPY stack ./stack
COPY images/all-in-one.sh /usr/local/bin/whisperx-stack
RUN python -m compileall -q bridge outbound stack && install -d -o 10001 -g 10001 /state /models
ENV STATE_DIR=/state \
    BRIDGE_PYTHON=/opt/bridge/bin/python \
    BRIDGE_HOST=0.0.0.0 \
    PORT=8080
USER 10001:10001
EXPOSE 8080
CMD ["whisperx-stack"]
