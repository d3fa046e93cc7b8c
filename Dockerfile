# syntax=docker/dockerfile:1
FROM python:3.14.8-slim-trixie AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /build

# The locks by themselves first: the layers below change only when a dependency does.
COPY requirements.lock requirements-dev.lock ./
RUN python -m venv --without-pip /opt/gateway \
    && pip --python /opt/gateway/bin/python install --require-hashes -r requirements.lock \
    && python -m venv /opt/builder \
    && /opt/builder/bin/pip install --require-hashes -r requirements-dev.lock

COPY pyproject.toml README.md LICENSE hatch_build.py ./
COPY gateway gateway
COPY schema schema
COPY queries queries
RUN /opt/builder/bin/pip wheel --no-deps --no-build-isolation --wheel-dir dist . \
    && pip --python /opt/gateway/bin/python install --no-deps --no-index dist/*.whl \
    && /opt/gateway/bin/python -m compileall -q /opt/gateway

FROM python:3.14.8-slim-trixie
COPY --from=build /opt/gateway /opt/gateway
# Made here, so that a new volume belongs to the user below.
RUN install -d -o 10001 -g 10001 /data
ENV PATH=/opt/gateway/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1
# Every address is listened on, so the gateway starts only if this file says whom it serves.
ENV GATEWAY_DATA_DIR=/data GATEWAY_CLIENTS_FILE=/data/clients.toml
USER 10001:10001
WORKDIR /data
VOLUME ["/data"]
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
    CMD ["python", "-c", "import http.client as h; c = h.HTTPConnection('127.0.0.1', 8000, timeout=2); c.request('GET', '/healthz'); raise SystemExit(c.getresponse().status != 200)"]
CMD ["highlights-gateway", "serve", "--host", "0.0.0.0", "--port", "8000"]
