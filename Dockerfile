FROM python:3.13-slim-trixie AS builder

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src

# Dependencies come before the source, so that a change of the source leaves their layers cached.
# What builds the wheel has a venv of its own, so that none of it gets into the image.
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --require-hashes --requirement requirements/build.txt
RUN python -m venv --without-pip /opt/venv \
 && /opt/build/bin/pip --python /opt/venv install \
      --require-hashes --requirement requirements/runtime.txt

COPY pyproject.toml README.md ./
COPY exporter exporter
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/build/bin/pip --python /opt/venv install --no-deps --no-index /wheels/*.whl


FROM python:3.13-slim-trixie

LABEL org.opencontainers.image.title="ultravox-batch-exporter" \
      org.opencontainers.image.description="Prometheus exporter for Ultravox scheduled call batches"

COPY --from=builder /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH

# The base image has its standard library uncompiled, and a read-only root file system would keep it
# so: each start and each health check would compile it anew. This run, still as root, leaves what
# the exporter imports compiled.
RUN ["ultravox-batch-exporter", "--version"]

# A config.yaml mounted here is found without a flag.
WORKDIR /etc/ultravox-batch-exporter
COPY config.example.yaml .

# Kubernetes can hold runAsNonRoot only against a number. This one is nobody.
USER 65534:65534

EXPOSE 10110
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s --retries=3 \
  CMD ["ultravox-batch-exporter", "healthcheck"]
ENTRYPOINT ["ultravox-batch-exporter"]
CMD ["serve"]
