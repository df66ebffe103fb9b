#!/bin/sh
# confine.sh CAPABILITY,... COMMAND... — becomes COMMAND, which opens as root what only root may open, then drops to a user
# of its own before it reads anything. Until then it has these capabilities ("net_raw"), those for the drop, and no way to
# any other: the container may be privileged.
# confine.sh --user USER COMMAND... — becomes COMMAND as that user, without any capability. Root of a least-privilege
# container lacks CAP_KILL: a signal to a daemon comes from the daemon's own user, which can hit no other process either.
set -eu

if [ "$1" = --user ]; then
  user=$2
  shift 2
  exec setpriv --reuid="$user" --regid="$user" --clear-groups --no-new-privs --inh-caps=-all --bounding-set=-all "$@"
fi
capabilities=$1
shift
exec setpriv --no-new-privs --inh-caps=-all --bounding-set="-all,+setuid,+setgid,+$(echo "$capabilities" | sed 's/,/,+/g')" "$@"
