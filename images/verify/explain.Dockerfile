# What differs between two builds, and why: see explain.py. Nothing in here needs a network or root once it is built.
#
#   docker build -f images/verify/explain.Dockerfile --build-arg BASE=debian:trixie-slim -t kdock-explain .
#   docker run --rm --network none --read-only --tmpfs /tmp -v first:/a:ro -v second:/b:ro kdock-explain vmlinux bzImage
#
# BASE is Debian trixie: older ones have no diffoscope-minimal of use.
ARG BASE=debian:trixie-slim
FROM ${BASE}

# Another Debian mirror than the one the base image names; empty keeps the base image's own.
ARG MIRROR=
# As in the builder images: pinned versions, and where they are found; empty: today's versions.
ARG PINS=
ARG SNAPSHOT=
ARG SNAPSHOT_URL=
# Seconds since 1970; every file this image adds is dated no later.
ARG SOURCE_DATE_EPOCH=

# Mounted on /mnt, because Podman 4.3 removes the folders that a RUN mounts on, and the image needs its /tmp.
RUN --mount=type=tmpfs,target=/var/lib/apt/lists --mount=type=tmpfs,target=/var/log --mount=type=tmpfs,target=/mnt \
    --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=bind,source=images/apt,target=/mnt/apt \
    --mount=type=bind,source=images/verify/explain-packages,target=/mnt/packages \
    export TMPDIR=/mnt && sh /mnt/apt/install.sh /mnt/packages \
 && useradd --uid 1000 --user-group --create-home --shell /usr/sbin/nologin kdock \
 && install -d /a /b /a-build /b-build /src \
 && sh /mnt/apt/end-layer.sh

RUN --mount=type=tmpfs,target=/mnt --mount=type=bind,source=images/apt,target=/mnt/apt \
    --mount=type=bind,source=images/verify,target=/mnt/verify \
    sh /mnt/apt/copy-files.sh /usr/local/lib/kdock /mnt/verify/explain.py /mnt/verify/explain

ENV LC_ALL=C.UTF-8 TZ=UTC PYTHONDONTWRITEBYTECODE=1
USER kdock
WORKDIR /tmp
ENTRYPOINT ["python3", "/usr/local/lib/kdock/explain.py"]
