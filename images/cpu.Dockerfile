# The predictor for machines without a GPU. The GPU image is made by Cog, from cog.yaml.
ARG BASE=docker.io/library/python:3.11.14-slim-bookworm

FROM ${BASE}
COPY requirements/locked/ /tmp/requirements/
COPY scripts/torch-cpu.sh /tmp/
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir -q --no-deps --require-hashes \
        -r /tmp/requirements/models-cpu.txt -r /tmp/requirements/cog.txt \
    && sh /tmp/torch-cpu.sh /opt/venv /tmp/requirements/torch-cpu.txt \
    && python3 -m venv /opt/sbom \
    && /opt/sbom/bin/pip install --no-cache-dir -q --no-deps --require-hashes -r /tmp/requirements/sbom.txt \
    && /opt/sbom/bin/cyclonedx-py environment --output-reproducible -o /opt/venv/predictor.cdx.json /opt/venv/bin/python \
    && rm -rf /opt/sbom
WORKDIR /src
COPY predict.py ./
COPY .cog/openapi_schema.json ./.cog/
COPY models ./models
COPY transcription ./transcription
COPY predictor ./predictor
RUN /opt/venv/bin/python -m compileall -q . \
    && install -d -o 10001 -g 10001 /models
# base lies in the image, so that it runs without a network; a volume is laid over /models alone.
COPY images/bake.py /tmp/
RUN PYTHONPATH=/src HOME=/tmp/bake /opt/venv/bin/python /tmp/bake.py base /opt/models && rm -rf /tmp/bake
# The same environment as cog.yaml's.
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    COG_PREDICT_TYPE_STUB=predict.py:Predictor \
    PORT=5000 \
    DEVICE=cpu \
    HOME=/tmp \
    NLTK_DATA=/models/nltk \
    PYANNOTE_METRICS_ENABLED=0 \
    HF_HUB_DISABLE_TELEMETRY=1 \
    TOKENIZERS_PARALLELISM=false \
    OMP_WAIT_POLICY=PASSIVE \
    MODEL_SOURCES=/opt/models,hub,index \
    XDG_CACHE_HOME=/models/cache \
    HF_HOME=/models/huggingface \
    TORCH_HOME=/models/torch
USER 10001:10001
EXPOSE 5000
CMD ["python", "-m", "predictor.entry", "python", "-m", "cog.server.http", "--host", "127.0.0.1"]
