# Kuas in a container. Give it a volume for the books and the two secrets:
#   docker build -t kuas .
#   docker run --read-only --tmpfs /tmp --stop-timeout 30 -v kuas:/data -e BOT_DISCORD__TOKEN -e BOT_RIVYA__API_KEY kuas
# A settings file is read from /app/config.toml, if one is mounted there.

# Two builds of one commit on one base hold the same files. `docker buildx imagetools inspect python:3.13-slim` tells
# the digest of the base, to pin it, or to name an image that is here already:
#   --build-arg BASE=python:3.13-slim@sha256:...
# With `buildah build --timestamp 0`, or BuildKit's SOURCE_DATE_EPOCH and rewrite-timestamp=true, the files' times are
# the same too, and so is the image's id.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
# A fixed seed, because byte code holds sets in the order of their hashes.
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore \
    PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
# Before the code, so that a change of the code does not fetch the dependencies again.
COPY requirements.lock /build/
# Every file must have the hash that the lock names, and none is built here. The environment itself gets no pip:
# nothing is installed later. The libraries' own tests, and their C, are 30 MB.
# Compiled here, because the running container cannot write byte code anywhere; unchecked, because a check goes by
# the files' times.
RUN python -m venv --without-pip /venv \
    && python -m pip --python /venv/bin/python install \
        --require-hashes --only-binary :all: --no-compile --requirement /build/requirements.lock \
    && find /venv/lib \( -type d -name tests -o -name '*.c' \) -prune -exec rm -r {} + \
    && python -m compileall -q --invalidation-mode unchecked-hash /venv/lib
COPY bot /app/bot
COPY cogs /app/cogs
COPY LICENSE /app/
# Readable for the bot, which does not own it, whatever the umask of the checkout was.
RUN chmod -R u=rwX,go=rX /app \
    && python -m compileall -q --invalidation-mode unchecked-hash /app

FROM ${BASE}
# Unbuffered, so that the last lines before a crash are in the log. matplotlib keeps its list of fonts.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    MPLCONFIGDIR=/tmp/matplotlib \
    BOT_DATABASE__PATH=/data/bot.sqlite3
# The base has a pip, which nobody needs here, and no byte code of Python's library, which halves the time that every
# start and every health check takes. A new volume takes the owner of the folder it is mounted on.
RUN python -m pip uninstall --yes --quiet --root-user-action ignore pip \
    && library="$(python -c 'import sysconfig; print(sysconfig.get_path("stdlib"))')" \
    && rm -r "$library/ensurepip" \
    && PYTHONHASHSEED=0 python -m compileall -q -x site-packages --invalidation-mode unchecked-hash "$library" \
    && install --directory --owner=10001 --group=10001 /data
# The same path as in the build stage: a virtual environment cannot be moved.
COPY --from=build /venv /venv
COPY --from=build /app /app
WORKDIR /app
VOLUME /data
# A number, so that an orchestrator can see that it is not root without looking into /etc/passwd.
USER 10001:10001
# On SIGTERM the bot puts its jobs down where they are and takes them up again at the next start.
STOPSIGNAL SIGTERM
# No shell in between: the signal must reach Python.
ENTRYPOINT ["python", "-m", "bot"]
