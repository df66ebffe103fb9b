#!/bin/sh
# lan.sh [ADDRESS=NAME...] — run in a VM's container when the project has several VMs: makes the network between them (its
# interface is KDOCK_LAN; where the engine gives it no name of its own, the one with the address KDOCK_LAN_MAC; where that is not given,
# every further network that the container is in) a port of the guest's bridge, so that guests meet on it frame by frame,
# and has dnsmasq know all guests by name. Each guest keeps its own container as its gateway. May be run again at any time.
set -eu
lib=${0%/*}
# shellcheck source=images/vm/names.sh
. "$lib/names.sh"

# start.sh writes here when bridge and dnsmasq are there, and which interface is the way out.
tries=0
until [ -e "$KDOCK_UPLINK_FILE" ]; do
  # Without /dev/net/tun the guest has QEMU's own network, and reaches no other guest.
  if [ "$(cat "$KDOCK_NET_MODE_FILE" 2>/dev/null)" = user ]; then exit 0; fi
  tries=$((tries + 1))
  if [ "$tries" -gt 300 ]; then echo "lan.sh: the guest's bridge is not there" >&2; exit 1; fi
  sleep 0.1
done
uplink=$(cat "$KDOCK_UPLINK_FILE")

for path in /sys/class/net/*; do
  name=${path##*/}
  if [ -e "/sys/class/net/$KDOCK_LAN" ] && [ "$name" != "$KDOCK_LAN" ]; then continue; fi
  if [ -n "${KDOCK_LAN_MAC:-}" ] && [ "$(cat "$path/address")" != "$KDOCK_LAN_MAC" ]; then continue; fi
  if [ "$name" = "$uplink" ] || [ "$name" = lo ] || [ -e "$path/brport" ] || [ -e "$path/bridge" ]; then continue; fi
  # What an engine plugs in is one end of a pair: it is linked to another interface than itself.
  if [ "$(cat "$path/iflink")" = "$(cat "$path/ifindex")" ]; then continue; fi
  ip addr flush dev "$name"
  # The engine's network between VMs may take larger frames than the way out, for which guests make them.
  mtu=$(cat "/sys/class/net/$KDOCK_BRIDGE/mtu")
  [ "$(cat "$path/mtu")" -le "$mtu" ] || ip link set "$name" mtu "$mtu"
  ip link set "$name" master "$KDOCK_BRIDGE" up
done

: > "$KDOCK_HOSTS_FILE.new"
for host in "$@"; do echo "${host%%=*} ${host#*=}" >> "$KDOCK_HOSTS_FILE.new"; done
mv "$KDOCK_HOSTS_FILE.new" "$KDOCK_HOSTS_FILE"
sh "$lib/confine.sh" --user kdock-dns kill -HUP "$(cat "$KDOCK_DNSMASQ_PID_FILE")"
