#!/bin/sh
# install.sh PACKAGE... — runs inside `docker build`: installs Debian packages and leaves nothing in the layer that
# depends on when it was built. MIRROR (build argument) replaces the sources that the base image came with.
set -eu

if [ -n "${MIRROR:-}" ]; then
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
  rm -f /etc/apt/sources.list.d/*
  echo "deb $MIRROR $suite main" > /etc/apt/sources.list
fi

# Keep downloaded .deb files: /var/cache/apt is a cache mount, so they cost no layer and save the next build a download.
rm -f /etc/apt/apt.conf.d/docker-clean
export DEBIAN_FRONTEND=noninteractive
mkdir -p /var/lib/apt/lists/partial /var/cache/apt/archives/partial
apt-get update -q
apt-get install -qy --no-install-recommends -o APT::Keep-Downloaded-Packages=true -o Dpkg::Use-Pty=0 "$@"

# Both hold times or inode numbers of this very run.
rm -f /var/cache/ldconfig/aux-cache /var/lib/systemd/catalog/database
