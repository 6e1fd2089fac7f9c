# Two stages: the first has pip, the second has only what runs. No root, no shell needed, a root file system that may be read-only.
FROM python:3.13-slim-bookworm AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
WORKDIR /src
RUN python -m venv /opt/syncd
COPY deploy/requirements.txt deploy/requirements.txt
RUN /opt/syncd/bin/pip install --require-hashes -r deploy/requirements.txt
COPY pyproject.toml README.md LICENSE ./
COPY syncd syncd
RUN /opt/syncd/bin/pip install --no-deps .

FROM python:3.13-slim-bookworm
COPY --from=build /opt/syncd /opt/syncd
RUN useradd --uid 10001 --home-dir /var/lib/syncd --create-home --shell /usr/sbin/nologin syncd
USER 10001
WORKDIR /var/lib/syncd
VOLUME ["/var/lib/syncd"]
ENV PATH=/opt/syncd/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 SYNCD_CONFIG=/etc/syncd/syncd.toml
STOPSIGNAL SIGTERM
# Healthy means: every source was polled and every store pushed lately, not that a process runs.
HEALTHCHECK --interval=60s --timeout=15s --start-period=60s --retries=3 CMD ["syncd", "status", "--healthy"]
ENTRYPOINT ["syncd"]
CMD ["run"]
