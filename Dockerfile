# Two stages, so that what is only needed to install stays out of what runs.
FROM python:3.11-slim AS installed
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1
RUN python -m venv /venv
COPY requirements.txt /
RUN /venv/bin/pip install -r /requirements.txt

FROM python:3.11-slim
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    LOG_FORMAT=json \
    STATIC_ROOT=/app/static-collected \
    TRADERAGENT_HOME=/data \
    WEB_HOST=0.0.0.0 \
    PORT=8000
# A volume takes over the owner of the folder that it is mounted on.
RUN useradd --system --uid 10001 --home-dir /data --create-home traderagent \
    && install --directory --owner traderagent /data/backtests /data/candles
COPY --from=installed /venv /venv
WORKDIR /app
COPY . .
# The settings want their secrets even to collect files; these exist for this one command.
RUN SECRET_KEY=only-while-building FIELD_ENCRYPTION_KEY=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= \
    DATABASE_URL=postgresql://none@none/none REDIS_URL=redis://none \
    python manage.py collectstatic --no-input --verbosity 0
USER traderagent
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s \
    CMD ["python", "-m", "traderagent.embedded.alive", "web"]
CMD ["python", "-m", "traderagent.embedded.processes", "web"]
