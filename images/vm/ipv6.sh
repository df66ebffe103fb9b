#!/bin/sh
# ipv6.sh — IPv6 on the guest's bridge, for start.sh, whose environment it has. The guest knows its address from the
# kernel's command line (kdock.ip6); its default route comes from router.pl, for as long as there is a way out. Whatever
# this machine lacks is said and passed over: the guest always has IPv4.
set -eu
lib=${0%/*}
# shellcheck source=images/vm/names.sh
. "$lib/names.sh"

say() { printf '[kdock] %s\r\n' "$*"; }
rules() { ip6tables "$@" 2>/run/kdock-ip6tables; }
# What is bridged is asked for here as well, on machines with br_netfilter.
close_forwarding() { rules -A FORWARD -i "$KDOCK_BRIDGE" -o "$KDOCK_BRIDGE" -j ACCEPT && rules -P FORWARD DROP; }
# Not even the address that the kernel makes by itself.
no_gateway() {
  # The file is for `kdock net check`.
  if [ -n "$1" ]; then say "IPv6: the guest has no gateway, because $1"; echo "$1" > "$KDOCK_NO_GATEWAY6_FILE"; fi
  ip link set "$KDOCK_BRIDGE" addrgenmode none 2>/dev/null || true
  ip -6 addr flush dev "$KDOCK_BRIDGE" 2>/dev/null || true
  exit 0
}
# A least-privilege container cannot write here, and has the value from `--sysctl` already.
set_to() { [ "$(cat "/proc/sys/net/ipv6/conf/$1")" = "$2" ] || echo "$2" 2>/dev/null > "/proc/sys/net/ipv6/conf/$1"; }

if [ ! -e /proc/net/if_inet6 ]; then
  [ -n "${KDOCK_GUEST6:-}" ] || no_gateway ""
  no_gateway "this machine's kernel has no IPv6"
fi
closed=yes
close_forwarding || closed=no
[ -n "${KDOCK_GUEST6:-}" ] || no_gateway ""
[ "$closed" = yes ] || no_gateway "forwarding to it cannot be restricted ($(tail -n 1 /run/kdock-ip6tables))"
mtu=$(cat "/sys/class/net/$KDOCK_BRIDGE/mtu")
[ "$mtu" -ge 1280 ] || no_gateway "IPv6 needs an MTU of 1280, and the way out has $mtu"
for setting in "$KDOCK_BRIDGE/disable_ipv6 0" "all/forwarding 1"; do
  # shellcheck disable=SC2086 # two words on purpose
  (set_to $setting) 2>/dev/null || no_gateway "this container has none (docker run --sysctl net.ipv6.conf.default.disable_ipv6=0 --sysctl net.ipv6.conf.all.forwarding=1 gives it)"
done

# Without addresses of the kernel's own making: the tap is a port of the bridge and needs none, the bridge gets its link-local address below,
# from which router.pl sends advertisements. nodad: no other host of the link has the gateway's addresses, and duplicate
# address detection would keep the guest from them for a second.
for device in "$KDOCK_TAP" "$KDOCK_BRIDGE"; do ip link set "$device" addrgenmode none 2>/dev/null || no_gateway "$device cannot be told its addresses"; done
for address in "$KDOCK_GATEWAY6" "fe80::${KDOCK_GATEWAY6##*::}"; do
  ip -6 addr add "$address" dev "$KDOCK_BRIDGE" nodad 2>/dev/null || no_gateway "$KDOCK_BRIDGE takes no IPv6 address"
done

subnet=${KDOCK_GATEWAY6%::*}::/64
if ! rules -t nat -A POSTROUTING -s "$subnet" ! -o "$KDOCK_BRIDGE" -j MASQUERADE; then
  say "IPv6: the guest stays among its own, because NAT66 cannot be had ($(tail -n 1 /run/kdock-ip6tables))"
  exit 0
fi
# As in start.sh: the guests' own addresses out, answers and published ports in.
rules -A FORWARD -i "$KDOCK_BRIDGE" -s "$subnet" -j ACCEPT
rules -A FORWARD -o "$KDOCK_BRIDGE" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
rules -A FORWARD -o "$KDOCK_BRIDGE" -m conntrack --ctstate DNAT -j ACCEPT
for port in ${KDOCK_PORTS:-}; do
  protocol=${port%%/*} rest=${port#*/}
  rules -t nat -A PREROUTING ! -i "$KDOCK_BRIDGE" -p "$protocol" --dport "${rest%/*}" -j DNAT --to-destination "[$KDOCK_GUEST6]:${rest#*/}" ||
    say "IPv6: port ${rest%/*} arrives by IPv4 only ($(tail -n 1 /run/kdock-ip6tables))"
done
say "IPv6: guest $KDOCK_GUEST6 on $KDOCK_BRIDGE $KDOCK_GATEWAY6, NAT66 while this container has IPv6 to the outside"
sh "$lib/confine.sh" net_raw perl "$lib/router.pl" "$KDOCK_BRIDGE" "$KDOCK_GUEST_MAC" </dev/null >/dev/null 2>/run/router.log &
