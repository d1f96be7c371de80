FROM python:3.13-slim-trixie AS builder

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
WORKDIR /src

# Dependencies are installed before the source is copied: their layers stay in the build cache when
# only the source changes. The tools that build the wheel have their own virtual environment, so they
# do not become a part of the image.
COPY requirements/build.txt requirements/runtime.txt requirements/
RUN python -m venv /opt/build \
 && /opt/build/bin/pip install --require-hashes --requirement requirements/build.txt
RUN python -m venv --without-pip /opt/venv \
 && /opt/build/bin/pip --python /opt/venv install \
      --require-hashes --requirement requirements/runtime.txt

COPY pyproject.toml README.md LICENSE ./
COPY exporter exporter
RUN /opt/build/bin/pip wheel --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/build/bin/pip --python /opt/venv install --no-deps --no-index /wheels/*.whl


FROM python:3.13-slim-trixie

LABEL org.opencontainers.image.title="ultravox-batch-exporter" \
      org.opencontainers.image.description="Prometheus exporter for Ultravox scheduled call batches" \
      org.opencontainers.image.licenses="Apache-2.0"

COPY --from=builder /opt/venv /opt/venv
ENV PATH=/opt/venv/bin:$PATH

# The base image contains the standard library without compiled files. On a read-only root file
# system each start and each health check would compile the modules again. This command runs as root
# and stores the compiled files of all modules that the exporter imports.
RUN ["ultravox-batch-exporter", "--version"]

# The exporter finds a config.yaml that is mounted here without a flag.
WORKDIR /etc/ultravox-batch-exporter
COPY config.example.yaml .

# The user `nobody`, as a number: Kubernetes can check runAsNonRoot only for a numeric user.
USER 65534:65534

EXPOSE 10110
HEALTHCHECK --interval=30s --timeout=10s --start-period=10s --retries=3 \
  CMD ["ultravox-batch-exporter", "healthcheck"]
ENTRYPOINT ["ultravox-batch-exporter"]
CMD ["serve"]
