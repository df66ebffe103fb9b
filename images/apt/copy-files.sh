#!/bin/sh
# copy-files.sh FOLDER SOURCE... — a COPY whose layer is the same everywhere: modes that no checkout's umask has a say
# in, and one date, also for the folders on the way, which COPY would date by the clock.
set -eu
umask 022
target=$1
shift
mkdir -p "$target"
cp -R "$@" "$target/"
chmod -R u=rwX,go=rX "$target"
find "$target" -exec touch --no-dereference --date="@${SOURCE_DATE_EPOCH:-0}" {} +
touch --date="@${SOURCE_DATE_EPOCH:-0}" "$(dirname "$target")"
