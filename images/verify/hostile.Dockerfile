# A builder image in hostile surroundings: the same toolchain and the same build script, but another user, clock, time
# zone, locale, umask and order of folders. What it builds has to be what the builder image itself builds.
#
#   docker build -f images/verify/hostile.Dockerfile --build-arg BASE=kdock-kernel -t kdock-hostile .
#   docker run --rm --hostname elsewhere -v src2:/src -v build2:/build -v out2:/out kdock-hostile all
#
# BASE is a finished builder image: it has a C compiler, and its build script is /usr/local/lib/kdock/build.sh.
ARG BASE
FROM ${BASE}

# Another Debian mirror than the one the base image names; empty keeps the base image's own.
ARG MIRROR=
# As in the builder images: pinned versions, and where they are found; empty: today's versions.
ARG PINS=
ARG SNAPSHOT=
ARG SNAPSHOT_URL=
# Seconds since 1970; every file this image adds is dated no later.
ARG SOURCE_DATE_EPOCH=

USER root
# The locale is made from its source, because no Debian package has just this one. The folders are made anew, so that
# new volumes belong to the new user.
# Mounted on /mnt, because Podman 4.3 removes the folders that a RUN mounts on, and the image needs its /tmp.
RUN --mount=type=tmpfs,target=/var/lib/apt/lists --mount=type=tmpfs,target=/var/log --mount=type=tmpfs,target=/mnt \
    --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=bind,source=images/apt,target=/mnt/apt \
    --mount=type=bind,source=images/verify/packages,target=/mnt/packages \
    export TMPDIR=/mnt && sh /mnt/apt/install.sh /mnt/packages \
 && localedef -i tr_TR -f UTF-8 tr_TR.UTF-8 \
 && groupadd --gid 4242 outsiders \
 && useradd --uid 4242 --gid outsiders --create-home --home-dir /var/lib/mallory --shell /bin/sh mallory \
 && rm -rf /src /build /ccache /out /in /overlay \
 && install -d -o mallory -g outsiders /src /build /ccache /out /in /overlay \
 && sh /mnt/apt/end-layer.sh

RUN --mount=type=tmpfs,target=/mnt --mount=type=bind,source=images/apt,target=/mnt/apt \
    --mount=type=bind,source=images/verify,target=/mnt/verify \
    mkdir /mnt/made \
 && "${TOOLCHAIN:-gcc}" -shared -fPIC -O2 -Wall -Wextra -o /mnt/made/hostile.so /mnt/verify/hostile.c -ldl -lpthread \
 && sh /mnt/apt/copy-files.sh /usr/local/lib/kdock-hostile /mnt/verify/hostile.sh /mnt/made/hostile.so

USER mallory:outsiders
WORKDIR /build
ENTRYPOINT ["sh", "/usr/local/lib/kdock-hostile/hostile.sh"]
CMD ["all"]
