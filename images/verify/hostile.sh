#!/bin/sh
# hostile.sh [ARGUMENTS OF build.sh] — runs the image's own build script where nothing is as it was the first time.
#
#   KDOCK_FAKETIME      how far the clock is ahead: days, hours, minutes, seconds; default "400d 7h". Never behind, or
#                       files would be newer than now.
#   KDOCK_SHUFFLE_SEED  which order folders are read in; default 4242
#
# What the build script pins is pinned after this, and has to win; what it does not pin stays hostile.
set -eu
lib=/usr/local/lib/kdock-hostile
script=/usr/local/lib/kdock/build.sh
: "${KDOCK_FAKETIME:=400d 7h}" "${KDOCK_SHUFFLE_SEED:=4242}"
[ $# -gt 0 ] || set -- all

seconds_ahead() {
  total=0
  for part in $(echo "${1#+}" | tr -d +); do
    number=${part%[dhms]}
    case "$number" in ''|*[!0-9]*) echo "KDOCK_FAKETIME: '$1' is not like '400d 7h'" >&2; exit 64 ;; esac
    case "$part" in
      *d) total=$((total + number * 86400)) ;;
      *h) total=$((total + number * 3600)) ;;
      *m) total=$((total + number * 60)) ;;
      *) total=$((total + number)) ;;
    esac
  done
  echo "$total"
}
ahead=$(seconds_ahead "$KDOCK_FAKETIME")

umask 077
unset MAKEFLAGS MFLAGS GNUMAKEFLAGS MAKEOVERRIDES LC_COLLATE LC_CTYPE LC_MESSAGES LC_NUMERIC LC_TIME
HOME=/var/lib/mallory USER=mallory LOGNAME=mallory SHELL=/bin/sh
LANG=tr_TR.UTF-8 LC_ALL=tr_TR.UTF-8 LANGUAGE=tr TZ=KDT-14 COLUMNS=213
PATH=$PATH:/nonexistent/elsewhere
export HOME USER LOGNAME SHELL LANG LC_ALL LANGUAGE TZ COLUMNS PATH KDOCK_SHUFFLE_SEED

LD_PRELOAD=$lib/hostile.so
export LD_PRELOAD
unset KDOCK_CLOCK_AHEAD
# Sources are fetched by the true clock: signatures and certificates are good for so long only.
case "$1" in
  all)
    sh "$script" source
    shift
    set -- compile "$@"
    ;;
  source) exec sh "$script" "$@" ;;
esac

# Files keep their true times, because make compares them with each other and build.sh takes the epoch from one.
KDOCK_CLOCK_AHEAD=$ahead
export KDOCK_CLOCK_AHEAD

cat <<EOF
==> hostile: host $(uname -n), user $(id -un) ($(id -u)), group $(id -gn) ($(id -g)), umask $(umask), home $HOME
==> hostile: clock $KDOCK_FAKETIME ahead, $(LC_ALL=C date '+%Y-%m-%d %H:%M %Z (%z)')
==> hostile: locale $LC_ALL, folders in the order of seed $KDOCK_SHUFFLE_SEED
EOF
exec sh "$script" "$@"
