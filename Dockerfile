# gptimage as a container: `serve` by default, `worker` and the other commands as arguments.
FROM python:3.13-slim AS build

WORKDIR /src
RUN python -m venv /opt/gptimage && python -m venv /opt/tools
COPY requirements/server.txt requirements/build.txt requirements/
RUN /opt/gptimage/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/server.txt \
    && /opt/tools/bin/pip install --no-cache-dir --no-deps --require-hashes -r requirements/build.txt
COPY pyproject.toml README.md LICENSE ./
COPY bot bot
RUN /opt/tools/bin/pip wheel --no-deps --no-build-isolation --no-index --wheel-dir /wheels . \
    && /opt/gptimage/bin/pip install --no-deps --no-index /wheels/*.whl

FROM python:3.13-slim

RUN apt-get update \
    && apt-get install --yes --no-install-recommends ca-certificates \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --uid 10001 --create-home --home-dir /data --shell /usr/sbin/nologin gptimage \
    && chmod 700 /data
COPY --from=build /opt/gptimage /opt/gptimage
ENV PATH=/opt/gptimage/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    GPTIMAGE_DATA_DIR=/data \
    GPTIMAGE_HOST=0.0.0.0 \
    GPTIMAGE_PORT=8080

USER 10001
WORKDIR /data
VOLUME /data
EXPOSE 8080
# Calls under way are awaited: give it eleven minutes (`docker stop --time 660`).
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8080/healthz', timeout=4)"]
ENTRYPOINT ["gptimage"]
CMD ["serve"]
