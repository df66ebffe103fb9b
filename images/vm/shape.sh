#!/bin/sh
# shape.sh show | tc WORD... | stand-in | off — delay, loss and the like on the guest's tap, hence on the frames towards
# the guest. Each leaves what was in force as it was unless it succeeds.
#
#   show       what is in force: "netem WORDS" or "stand-in WORDS"; nothing when nothing is
#   tc         by the kernel's netem. Exit code KDOCK_SHAPE_NO_NETEM: the kernel has none; KDOCK_SHAPE_REFUSED: tc does not take the
#              words, and says why
#   stand-in   by shape.pl, with rules from stdin, up to an empty line. Says "ok". The first one goes on until the rules
#              end: the client that started it need not stay
#   off        as it was before
set -eu
lib=${0%/*}
# shellcheck source=images/vm/names.sh
. "$lib/names.sh"
tap=$KDOCK_TAP port=$KDOCK_SHAPE bridge=$KDOCK_BRIDGE
control=/run/kdock-shape.sock
fail() { echo "$*" >&2; exit 1; }

[ -e "/sys/class/net/$tap" ] || { echo "this VM has no $tap: its network is not made by kdock" >&2; exit "$KDOCK_SHAPE_NO_TAP"; }

ask() { socat -t5 - "UNIX-CONNECT:$control" 2>/dev/null; }
kernels() { tc qdisc show dev "$tap" root 2>/dev/null | grep '^qdisc netem' || true; }

# Frames for the guest leave the bridge through our port. Those of the guest go on as before: two isolated ports do not
# hear each other, so that the guest does not get its own broadcasts back.
divert() {
  ip link set "$port" addrgenmode none mtu "$(cat "/sys/class/net/$tap/mtu")" master "$bridge"
  bridge link set dev "$port" isolated on learning off flood off mcast_flood off bcast_flood off
  ip link set "$port" up
  snooping=$(cat "/sys/class/net/$bridge/bridge/multicast_snooping" 2>/dev/null || true)
  # Groups that the guest has joined would be sent to its own port.
  [ "$snooping" != 1 ] || ip link set "$bridge" type bridge mcast_snooping 0
  bridge link set dev "$tap" isolated on learning off flood off mcast_flood off bcast_flood off
  bridge fdb del "$KDOCK_GUEST_MAC" dev "$tap" master 2>/dev/null || true
  bridge fdb replace "$KDOCK_GUEST_MAC" dev "$port" master static
  bridge link set dev "$port" flood on mcast_flood on bcast_flood on
}

restore() {
  bridge link set dev "$tap" isolated off learning on flood on mcast_flood on bcast_flood on || true
  [ "${snooping:-}" != 1 ] || ip link set "$bridge" type bridge mcast_snooping 1 || true
  rm -f "$control"
}

# The program is root until it has opened everything.
end() { kill "$1" 2>/dev/null || sh "$lib/confine.sh" --user kdock-shape kill "$1" 2>/dev/null || true; }

# The program has our stdin's place as long as it runs; what it leaves when it ends, however it ends, is put right here.
run() {
  said=$(mktemp -u /run/kdock-shape.XXXXXX)
  mkfifo -m 600 "$said"
  sh "$lib/confine.sh" net_admin,net_raw perl "$lib/shape.pl" "$control" "$port" "$tap" </dev/null >"$said" 2>/run/kdock-shape.log 9>&- &
  perl=$!
  trap 'end "$perl"; restore' EXIT
  trap 'exit 1' TERM INT HUP
  if ! read -r _ <"$said"; then rm -f "$said"; fail "the stand-in for netem did not start: $(cat /run/kdock-shape.log)"; fi
  rm -f "$said"
  [ "$(printf '%s\n\n' "$1" | ask)" = ok ] || fail "the stand-in for netem takes no rules: $(cat /run/kdock-shape.log)"
  divert
  echo ok
  exec </dev/null >/dev/null 2>&1 9>&-
  wait "$perl" || true
}

stop_stand_in() {
  [ -e "/sys/class/net/$port" ] || return 0
  for process in /proc/[0-9]*; do
    # Not the shell beside it, which has the same words but another name.
    [ "$(cat "$process/comm" 2>/dev/null)" = perl ] || continue
    tr '\0' ' ' <"$process/cmdline" | grep -qF "$lib/shape.pl " || continue
    end "${process#/proc/}"
  done
  tries=0
  while [ -e "/sys/class/net/$port" ] || [ -e "$control" ]; do
    tries=$((tries + 1))
    [ "$tries" -le 100 ] || fail "the stand-in for netem does not end"
    sleep 0.05
  done
}

what=$1
shift
exec 9>/run/kdock-shape.lock
flock 9
case "$what" in
  show)
    words=$(kernels | sed 's/^qdisc netem [^ ]* root refcnt [0-9]* //; s/ *$//')
    if [ -n "$words" ]; then echo "netem $words"; fi
    if [ -e "$control" ]; then echo "stand-in $(echo show | ask)"; fi
    ;;
  tc)
    # With another handle a new qdisc takes the old one's place; with the same one, what is not named would stay.
    handle=7d01
    case "$(kernels)" in *" $handle: "*) handle=7d02 ;; esac
    code=0
    said=$(LC_ALL=C tc qdisc replace dev "$tap" root handle "$handle:" netem "$@" 2>&1) || code=$?
    if [ "$code" = 0 ]; then stop_stand_in; exit 0; fi
    case "$said" in *"qdisc kind is unknown"* | *"qdisc not found"*) exit "$KDOCK_SHAPE_NO_NETEM" ;; esac
    echo "$said" >&2
    exit "$KDOCK_SHAPE_REFUSED"
    ;;
  stand-in)
    rules=
    while read -r line && [ -n "$line" ]; do rules="$rules$line
"; done
    rules=${rules%?}
    if [ -e "$control" ] && [ "$(printf '%s\n\n' "$rules" | ask)" = ok ]; then echo ok; exit 0; fi
    stop_stand_in
    run "$rules"
    ;;
  off)
    stop_stand_in
    if [ -n "$(kernels)" ]; then tc qdisc del dev "$tap" root; fi
    ;;
esac
