# Kuas in a container. It needs a volume for its data, and the two secrets:
#   docker build -t kuas .
#   docker run --read-only --tmpfs /tmp --stop-timeout 30 -v kuas:/data -e BOT_DISCORD__TOKEN -e BOT_RIVYA__API_KEY kuas
# Any other command: `docker exec CONTAINER kuas check`, or its arguments after the image's name. A settings file is read
# from /app/config.toml, if one is mounted there.

# Two builds of one commit on one base contain the same files. To pin the base by its digest, which
# `docker buildx imagetools inspect python:3.13-slim` prints:
#   --build-arg BASE=python:3.13-slim@sha256:...
# With `buildah build --timestamp 0`, or BuildKit's SOURCE_DATE_EPOCH and rewrite-timestamp=true, the files' times are
# the same too, and so are the layers.
ARG BASE=python:3.13-slim

FROM ${BASE} AS build
# A fixed seed, because byte code holds sets in the order of their hashes.
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore \
    PYTHONDONTWRITEBYTECODE=1 PYTHONHASHSEED=0
# Before the code, so that a change of the code does not download the dependencies again.
COPY requirements.lock /build/
# Every file must have the hash in the lock file, and only wheels are installed. The environment gets no pip, since
# nothing is installed later.
# Byte code is compiled here, because the running container is read-only; unchecked, because a check compares the
# files' times.
RUN python -m venv --without-pip /venv \
    && python -m pip --python /venv/bin/python install \
        --require-hashes --only-binary :all: --no-compile --requirement /build/requirements.lock \
    && python -m compileall -q --invalidation-mode unchecked-hash /venv/lib
COPY bot /app/bot
COPY cogs /app/cogs
COPY LICENSE /app/
# Readable for the bot's user, which does not own it, whatever the umask of the checkout was. The environment finds the
# code in any working directory, and gets the script that pip makes of `[project.scripts]`.
RUN chmod -R u=rwX,go=rX /app \
    && python -m compileall -q --invalidation-mode unchecked-hash /app \
    && echo /app > "$(/venv/bin/python -c 'import sysconfig; print(sysconfig.get_path("purelib"))')/kuas.pth" \
    && printf '%s\n' '#!/venv/bin/python' 'import sys' 'from bot.__main__ import main' 'sys.exit(main())' > /venv/bin/kuas \
    && chmod 755 /venv/bin/kuas

FROM ${BASE}
# Unbuffered, so that the last lines before a crash are in the log.
ENV PATH=/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    BOT_DATABASE__PATH=/data/bot.sqlite3
# The base has pip, which is not needed, and no byte code of the standard library, which halves the time of every start
# and health check. A new volume takes the owner of the folder it is mounted on.
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
# A number, so that an orchestrator can tell that it is not root without /etc/passwd.
USER 10001:10001
# On SIGTERM the bot stops; the next start goes on with its unfinished jobs.
STOPSIGNAL SIGTERM
# No shell, so that the signal reaches Python.
ENTRYPOINT ["kuas"]
# Without `monitor.port` there is nothing to ask, and a container that runs is healthy. An image in the OCI's format has
# no health check: `buildah build --format docker` keeps it.
HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 CMD ["kuas", "health", "--port-optional"]
# Last, so that another commit does not build the layers again.
ARG VERSION
ARG REVISION
ARG SOURCE
LABEL org.opencontainers.image.title="Kuas" \
    org.opencontainers.image.description="A Discord bot that paints with Rivya's models and never loses a credit, a job or a picture." \
    org.opencontainers.image.licenses="MIT" \
    org.opencontainers.image.version="${VERSION}" \
    org.opencontainers.image.revision="${REVISION}" \
    org.opencontainers.image.source="${SOURCE}"
