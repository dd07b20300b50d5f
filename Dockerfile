# One image for every service: `python -m engine`, `python -m engine archive`, `python -m api`,
# `python -m broadcaster`, `python -m aggregator`, `python -m history`. docker-compose.yml says who runs what.

FROM python:3.11-slim AS base
# No .pyc at run time (the file system is read-only), no folder named `api` where somebody stands
# taken for ours, and every log line out at once. One heap for all threads, which allocate in turns.
ENV PATH=/opt/rialto/venv/bin:$PATH \
    MALLOC_ARENA_MAX=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    PYTHONUNBUFFERED=1

FROM base AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_INPUT=1
WORKDIR /build
RUN python -m venv /opt/rialto/venv
# The dependencies are a layer of their own: it is built again only when these two files change.
COPY pyproject.toml requirements.lock ./
RUN python -c "import tomllib; p = tomllib.load(open('pyproject.toml', 'rb')); \
print(*p['project']['dependencies'], *p['build-system']['requires'], sep='\n')" > requirements.txt \
    && pip install --constraint requirements.lock --requirement requirements.txt
COPY LICENSE README.md ./
COPY shared shared
COPY engine engine
COPY api api
COPY broadcaster broadcaster
COPY aggregator aggregator
COPY history history
COPY rialto rialto
RUN pip install --no-deps --no-build-isolation .

FROM base
# A fixed number, so that a backup or a bind mount can be given to it. The seven folders are where
# volumes are mounted: an empty volume takes over their owner, so nothing ever has to run as root.
RUN groupadd --gid 10001 rialto \
    && useradd --uid 10001 --gid 10001 --no-create-home --home-dir /var/lib/rialto \
       --shell /usr/sbin/nologin rialto \
    && install --directory --owner=10001 --group=10001 --mode=0700 \
       /var/lib/rialto /var/lib/rialto-config /var/lib/rialto-redis /var/lib/rialto-snapshots \
       /var/lib/rialto-flights /var/lib/rialto-parquet /var/lib/rialto-postgres
COPY --from=build /opt/rialto/venv /opt/rialto/venv
ENV RIALTO_HOME=/var/lib/rialto
WORKDIR /var/lib/rialto
USER 10001:10001
CMD ["rialto", "--help"]
