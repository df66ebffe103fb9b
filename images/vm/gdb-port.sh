#!/bin/sh
# gdb-port.sh close [GROUP] — closes the port of QEMU's gdbstub, for start.sh, whose environment it has, before QEMU
# listens: a client of the stub can read and write all that QEMU can. Prints "closed", "ipv4" where the stub may listen on
# IPv4 only, or why the port cannot be closed.
# gdb-port.sh follow — rewrites the rules whenever the container's default route changes: connected to one more network, the
# container may get another gateway, and connections to the published port come from that one.
#
# The rules are the same for IPv4 and IPv6. These are let in:
#   lo            a gdb in a container that shares this network namespace (kdock gdb, trap, debug, dap)
#   the gateway   the engine's host: its proxy, or its NAT, passes on what comes to the published port
#   other links   only where gdb.listen (KDOCK_GDB_LISTEN) is no loopback address: machines that call the published port
# Other containers of the engine's network are on the same link. So are the guests of other VMs, which leave with their
# container's address. This VM's guest comes by br0; in mode user it calls by lo, as a process of GROUP.
set -eu

# ADDRESS DEVICE, of what the engine has made: any container of the link can advertise itself as a router (proto ra).
gateways() { ip -o "-$1" route show default | sed -n '/ proto ra /d; s/.* via \([^ ]*\) dev \([^ ]*\).*/\1 \2/p'; }
# 172.18.0.0/16, or fd00::/64
links_of() { ip -o "-$1" route show dev "$2" | sed -n '/ via /d; /^default/d; s/^\([^ ]*\).*/\1/p'; }

is_loopback() {
  case "${KDOCK_GDB_LISTEN:-127.0.0.1:}" in 127.*:* | "[::1]:"*) return 0 ;; esac
  return 1
}

# The chain anew, in the place of the one that there may be.
chain() { # 4|6 TARGET-THAT-REFUSES
  echo ":KDOCK_GDB - [0:0]"
  echo "-A KDOCK_GDB -i lo -j ACCEPT"
  gateways "$1" | while read -r gateway device; do
    echo "-A KDOCK_GDB -i $device -s $gateway -j ACCEPT"
    if is_loopback; then continue; fi
    for link in $(links_of "$1" "$device"); do echo "-A KDOCK_GDB -p tcp -i $device -s $link -j $2"; done
    echo "-A KDOCK_GDB -i $device -j ACCEPT"
  done
  echo "-A KDOCK_GDB -p tcp -j $2"
}

hooks() { # TARGET-THAT-REFUSES
  echo "-A INPUT -p tcp --dport $KDOCK_GDB_PORT -j KDOCK_GDB"
  if [ -n "$group" ]; then
    echo "-A OUTPUT -o lo -p tcp --dport $KDOCK_GDB_PORT -m owner --gid-owner $group --suppl-groups -j $1"
  fi
}

rules() {
  echo "*filter"
  chain "$@"
  [ "$task" = follow ] || hooks "$2"
  echo "COMMIT"
}

# All rules or none. A kernel may lack REJECT.
apply() { # iptables 4
  rules "$2" "REJECT --reject-with tcp-reset" | "$1-restore" --noflush 2>/dev/null || rules "$2" DROP | "$1-restore" --noflush
}

# Replies to the gateway's address go to the interface that has it now, so that a container that claims the address later
# gets none. Only Docker's bridges are known to keep their MAC address.
pin_gateway() { # ADDRESS DEVICE
  case "$1" in *:*) to="[$1]" ;; *) to=$1 ;; esac
  echo | socat -u - "UDP-SENDTO:$to:9" 2>/dev/null || return 0
  for _ in 1 2 3 4 5 6 7 8 9 10; do
    mac=$(ip neigh show to "$1" dev "$2" | sed -n 's/.*lladdr \([0-9a-f:]*\).*/\1/p')
    if [ -n "$mac" ]; then ip neigh replace "$1" lladdr "$mac" nud permanent dev "$2"; return 0; fi
    sleep 0.05
  done
}

pin_gateways() {
  [ -e /.dockerenv ] || return 0
  for family in 4 6; do
    gateways "$family" | while read -r gateway device; do pin_gateway "$gateway" "$device"; done
  done
}

close() {
  if ! why=$(apply iptables 4 2>&1); then
    echo "$why" | sed -n '/[^ ]/{s/[[:space:]]*$//;p;q}'
    return
  fi
  closed=closed
  if [ -e /proc/net/if_inet6 ] && ! apply ip6tables 6 2>/dev/null; then closed=ipv4; fi
  pin_gateways
  echo "$closed"
}

follow() {
  ip monitor route | while read -r change; do
    case "$change" in *default*) ;; *) continue ;; esac
    apply iptables 4 || true
    [ ! -e /proc/net/if_inet6 ] || apply ip6tables 6 || true
    pin_gateways
  done
}

task=$1 group=${2:-}
case "$task" in close | follow) "$task" ;; *) exit 2 ;; esac
