#!/bin/sh
# capture.sh guest|uplink|both FILTER [TCPDUMP-ARGUMENT...] — tcpdump on the guest's tap, on the container's way out, or
# on both at once, which shows both sides of the address translation. FILTER may be empty. Ends when stdin does.
set -eu
side=$1 filter=$2
shift 2
uplink=$(cat /run/kdock-uplink 2>/dev/null || true)
if [ "$side" != guest ] && [ -z "$uplink" ]; then echo "this VM has no way out: nothing to capture there" >&2; exit 3; fi
index() { cat "/sys/class/net/$1/ifindex"; }
case "$side" in
  guest) set -- -i tap0 "$@" ;;
  uplink) set -- -i "$uplink" "$@" ;;
  both)
    # The bridge between the two would show every frame once more.
    ours="(ifindex $(index tap0) or ifindex $(index "$uplink"))"
    filter="$ours${filter:+ and ($filter)}"
    set -- -i any -y LINUX_SLL2 "$@"
    ;;
esac

exec 3<&0
# What has arrived is handed over at once: a capture that is ended must not lose its last second.
tcpdump -Z root --immediate-mode -p -n "$@" "$filter" </dev/null &
tcpdump=$!
(cat <&3; kill -TERM "$tcpdump") >/dev/null 2>&1 &
code=0
wait "$tcpdump" || code=$?
kill $! 2>/dev/null || true
exit "$code"
