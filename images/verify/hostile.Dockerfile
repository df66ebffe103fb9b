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
RUN --mount=type=tmpfs,target=/var/lib/apt/lists --mount=type=tmpfs,target=/var/log --mount=type=tmpfs,target=/tmp \
    --mount=type=cache,target=/var/cache/apt,sharing=locked \
    --mount=type=bind,source=images/apt,target=/tmp/apt \
    --mount=type=bind,source=images/verify/packages,target=/tmp/packages \
    sh /tmp/apt/install.sh /tmp/packages \
 && localedef -i tr_TR -f UTF-8 tr_TR.UTF-8 \
 && groupadd --gid 4242 outsiders \
 && useradd --uid 4242 --gid outsiders --create-home --home-dir /var/lib/mallory --shell /bin/sh mallory \
 && rm -rf /src /build /ccache /out /in /overlay \
 && install -d -o mallory -g outsiders /src /build /ccache /out /in /overlay \
 && sh /tmp/apt/end-layer.sh

RUN --mount=type=tmpfs,target=/tmp --mount=type=bind,source=images/apt,target=/tmp/apt \
    --mount=type=bind,source=images/verify,target=/tmp/verify \
    mkdir /tmp/made \
 && "${TOOLCHAIN:-gcc}" -shared -fPIC -O2 -Wall -Wextra -o /tmp/made/hostile.so /tmp/verify/hostile.c -ldl -lpthread \
 && sh /tmp/apt/copy-files.sh /usr/local/lib/kdock-hostile /tmp/verify/hostile.sh /tmp/made/hostile.so

USER mallory:outsiders
WORKDIR /build
ENTRYPOINT ["sh", "/usr/local/lib/kdock-hostile/hostile.sh"]
CMD ["all"]
