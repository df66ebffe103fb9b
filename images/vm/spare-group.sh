#!/bin/sh
# spare-group.sh [GID-MAP] [GROUP-FILE] — prints the highest group ID that the container's user namespace maps and that no
# group has, or nothing where there is none. A rootless engine, or one with userns-remap, maps 65536 IDs, or a single one;
# setgroups() and iptables refuse the others. Without a namespace it is below 2^31, which every tool takes.
set -eu
awk -v groups="${2:-/etc/group}" '
  FILENAME == groups { split($0, field, ":"); taken[field[3]] = 1; next }
  {
    first = $1; last = $1 + $3 - 1
    if (last > 2147483641) last = 2147483641
    while (last >= first && last in taken) last--
    if (last >= first && (best == "" || last > best)) best = last
  }
  END { if (best != "") printf "%d\n", best }' "${2:-/etc/group}" "${1:-/proc/self/gid_map}"
