# syntax=docker/dockerfile:1.7
# One container: the server, its migrations and its tools (`docker run … prepkit doctor`). Settings are environment variables only; data lives in /data.
# tests/house/test_container.py replays these very steps without a container engine; docs/how-to/run-in-a-container.md says how to run the image.

# The base is pinned by digest; docs/how-to/run-in-a-container.md says how to renew it.
ARG BASE=python:3.11-slim-bookworm@sha256:a36c24f9cbdf4fd0f52d67f0823eeac19c2028c637cecc392d97f980d4fec56b

FROM ${BASE} AS build
# Compiled here, because a read-only root has nowhere to keep byte code; copied, because the cache is on another file system.
ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_PYTHON_DOWNLOADS=0 \
    UV_PROJECT_ENVIRONMENT=/app/.venv
# `embedded` hears and speaks without a key (eSpeak NG in it is GPL-3); `pdf` makes report files; `s3` keeps recordings in a bucket.
ARG EXTRAS="--extra embedded --extra pdf --extra s3"
WORKDIR /src
RUN pip install --no-cache-dir --disable-pip-version-check uv==0.13.9
COPY pyproject.toml uv.lock README.md LICENSE ./
RUN --mount=type=cache,target=/root/.cache/uv uv sync --quiet --locked --no-default-groups --no-install-project ${EXTRAS}
COPY bridge bridge
COPY pipeline pipeline
COPY reporting reporting
COPY storage storage
COPY web web
RUN --mount=type=cache,target=/root/.cache/uv uv sync --quiet --locked --no-default-groups --no-editable ${EXTRAS}
# Packages' own tests (27 MB), and onnxruntime's second copy of itself for C programs (35 MB): nothing here loads them.
RUN find /app/.venv/lib -type d \( -name tests -o -path '*/onnx/backend/test' \) -prune -exec rm -rf {} + \
 && find /app/.venv/lib -path '*/onnxruntime/capi/libonnxruntime.so*' -delete

FROM ${BASE}
LABEL org.opencontainers.image.title="PrepKit Voice Bridge" \
      org.opencontainers.image.description="Self-hosted realtime voice mock interviews" \
      org.opencontainers.image.licenses="Apache-2.0"
# A natural-enough voice, and what lays PDF pages out. No compiler, no curl.
RUN apt-get update -qq \
 && apt-get install -y -qq --no-install-recommends flite libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core \
 && rm -rf /var/lib/apt/lists/*
RUN useradd --uid 10001 --no-create-home --home-dir /data --shell /usr/sbin/nologin prepkit \
 && install -d -o 10001 -g 10001 -m 0750 /data
COPY --from=build /app/.venv /app/.venv
ENV PATH=/app/.venv/bin:$PATH \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1 \
    HOME=/tmp \
    PREPKIT_DATA_DIR=/data \
    PREPKIT_HOST=0.0.0.0 \
    PREPKIT_AUTH_MODE=local
USER 10001:10001
VOLUME /data
EXPOSE 8080
# Live calls end by themselves first: give `docker stop --time` more than PREPKIT_DRAIN_SECONDS.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \
  CMD ["python", "-c", "import os, urllib.request as r; r.urlopen('http://127.0.0.1:' + os.environ.get('PREPKIT_PORT', '8080') + '/healthz', timeout=4)"]
ENTRYPOINT ["prepkit"]
CMD ["serve"]
