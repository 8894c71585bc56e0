# Kuas in a container. Give it a volume for the books and the two secrets:
#   docker build -t kuas .
#   docker run --read-only --tmpfs /tmp --stop-timeout 30 -v kuas:/data -e BOT_DISCORD__TOKEN -e BOT_RIVYA__API_KEY kuas
# A settings file is read from /app/config.toml, if one is mounted there.

# To pin it, or to build where only a local image is to be had: --build-arg BASE=python:3.13-slim@sha256:...
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
# Before the code, so that a change of the code does not fetch the dependencies again.
COPY requirements.lock /build/
# Every file must have the hash that the lock names. The environment itself gets no pip: nothing is installed later.
RUN python -m venv --without-pip /venv \
    && python -m pip --python /venv/bin/python install --require-hashes --requirement /build/requirements.lock
COPY bot /app/bot
COPY cogs /app/cogs
COPY LICENSE /app/
# Compiled here, because the running container cannot write byte code anywhere.
RUN /venv/bin/python -m compileall -q /app/bot /app/cogs

FROM ${BASE}
# The same path as in the build stage: a virtual environment cannot be moved.
COPY --from=build /venv /venv
COPY --from=build /app /app
# A new volume takes the owner of the folder it is mounted on.
RUN install --directory --owner=10001 --group=10001 /data
# Unbuffered, so that the last lines before a crash are in the log.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BOT_DATABASE__PATH=/data/bot.sqlite3
WORKDIR /app
VOLUME /data
# A number, so that an orchestrator can see that it is not root without looking into /etc/passwd.
USER 10001:10001
# On SIGTERM the bot puts its jobs down where they are and takes them up again at the next start.
STOPSIGNAL SIGTERM
# No shell in between: the signal must reach Python.
ENTRYPOINT ["python", "-m", "bot"]
