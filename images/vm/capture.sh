#!/bin/sh
# capture.sh guest|uplink|both FILTER [TCPDUMP-ARGUMENT...] — tcpdump on the guest's tap, on the container's way out, or
# on both at once, which shows both sides of the address translation. FILTER may be empty. Ends when stdin does.
#   KDOCK_CAPTURE_VM  in the container of host-net.pl: whose tap, on the host
set -eu
lib=${0%/*}
# shellcheck source=images/vm/names.sh
. "$lib/names.sh"
side=$1 filter=$2
shift 2
mode=${KDOCK_CAPTURE_VM:+host}
mode=${mode:-$(cat "$KDOCK_NET_MODE_FILE" 2>/dev/null || echo bridge)}
case "$mode" in
  bridge) tap=$KDOCK_TAP ;;
  host) tap=$(cat "$KDOCK_HOST_FOLDER/tap-$KDOCK_CAPTURE_VM" 2>/dev/null) || { echo "this VM has no tap on the host any more" >&2; exit 143; } ;;
  *) echo "this VM has no tap to capture on: its network mode is $mode" >&2; exit "$KDOCK_CAPTURE_NO_TAP" ;;
esac
uplink=$(cat "$KDOCK_UPLINK_FILE" 2>/dev/null || true)
if [ "$side" != guest ] && [ -z "$uplink" ]; then echo "this VM has no way out: nothing to capture there" >&2; exit "$KDOCK_CAPTURE_NO_UPLINK"; fi
index() { cat "/sys/class/net/$1/ifindex"; }
case "$side" in
  guest) set -- -i "$tap" "$@" ;;
  uplink) set -- -i "$uplink" "$@" ;;
  both)
    # The bridge between the two would show every frame once more.
    ours="(ifindex $(index "$tap") or ifindex $(index "$uplink"))"
    filter="$ours${filter:+ and ($filter)}"
    set -- -i any -y LINUX_SLL2 "$@"
    ;;
esac

exec 3<&0
# What has arrived is handed over at once: a capture that is ended must not lose its last second.
# It opens the interface as root and drops to its user before it reads a packet.
sh "$lib/confine.sh" net_raw tcpdump --immediate-mode -p -n "$@" -Z kdock-capture "$filter" </dev/null &
tcpdump=$!
end() {
  while [ -e "/proc/$tcpdump" ]; do
    kill -TERM "$tcpdump" || sh "$lib/confine.sh" --user kdock-capture kill -TERM "$tcpdump" && return
    sleep 0.1
  done
}
(cat <&3; end) >/dev/null 2>&1 &
helpers=$!
# On the host, the tap goes with the VM, and nothing else does.
if [ "$mode" = host ]; then
  (while [ -e "/sys/class/net/$tap" ]; do sleep 1; done; end) >/dev/null 2>&1 &
  helpers="$helpers $!"
fi
code=0
wait "$tcpdump" || code=$?
# shellcheck disable=SC2086 # a list on purpose
kill $helpers 2>/dev/null || true
[ -e "/sys/class/net/$tap" ] || code=143
exit "$code"
