# The bridge: no torch, no compiler, no root. Built from the repository's root: `make images`.
ARG BASE=docker.io/library/python:3.11.14-slim-bookworm

FROM ${BASE} AS packages
COPY requirements/locked/bridge.txt requirements/locked/sbom.txt /tmp/
RUN python3 -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --no-deps --require-hashes -r /tmp/bridge.txt \
    && /opt/venv/bin/pip uninstall -y -q pip setuptools \
    && python3 -m venv /opt/sbom \
    && /opt/sbom/bin/pip install --no-cache-dir -q --no-deps --require-hashes -r /tmp/sbom.txt \
    && /opt/sbom/bin/cyclonedx-py environment --output-reproducible -o /opt/venv/bridge.cdx.json /opt/venv/bin/python \
    && find /opt/venv -name tests -type d -prune -exec rm -rf {} +

FROM ${BASE}
COPY --from=packages /opt/venv /opt/venv
WORKDIR /src
COPY bridge ./bridge
COPY outbound ./outbound
COPY transcription ./transcription
COPY predictor ./predictor
# Without these files a container whose root cannot be written compiles at every start.
RUN /opt/venv/bin/python -m compileall -q bridge outbound transcription predictor \
    && install -d -o 10001 -g 10001 /data/files
ENV PATH=/opt/venv/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONUNBUFFERED=1 \
    BRIDGE_HOST=0.0.0.0 \
    FILES_DIR=/data/files
USER 10001:10001
EXPOSE 8080
CMD ["python", "-m", "bridge"]
