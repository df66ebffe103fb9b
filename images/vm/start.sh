#!/bin/sh
# start.sh QEMU-ARGUMENT... — the container's first process: makes the guest's network, chooses the accelerator, gives
# up root and starts QEMU (run-qemu.pl). The arguments come from kdock (`kdock plan` prints them); the machine's part is decided here.
#
#   KDOCK_ACCEL    auto | kvm | tcg
#   KDOCK_QEMU, KDOCK_MACHINE   qemu-system-x86_64, and what uname -m says in a guest of it
#   KDOCK_CPU      QEMU's name for a processor; all that the accelerator can do unless given
#   KDOCK_EMULATED_CPU          what that is under emulation: max
#   KDOCK_DISKS    what open-disks.pl opens for QEMU
#   KDOCK_NET_MODE bridge | host | user | none: see the functions *_network below
#   KDOCK_TAP_NETDEV, KDOCK_USER_NETDEV  what QEMU's -netdev is told in modes bridge and host, and in mode user, also where that
#                  takes the place of bridge; KDOCK_NIC: the card, for -device
#   KDOCK_COMMAND_LINE  the kernel's; KDOCK_USER_WORDS, KDOCK_NONE_WORDS: what is added to it where that mode takes the place of bridge
#   KDOCK_HOST_SOCKET  in mode host: where host-net.pl gives taps away
#   KDOCK_GATEWAY  10.0.3.1/24, the bridge's address     KDOCK_GATEWAY_MAC  52:54:00:...
#   KDOCK_GUEST    10.0.3.2, the guest's address         KDOCK_GUEST_MAC    52:54:00:...
#   KDOCK_GATEWAY6, KDOCK_GUEST6   the same for IPv6, or not there; see ipv6.sh
#   KDOCK_GUEST_NAME guest, its host name
#   KDOCK_HOSTS    10.0.3.2=a 10.0.3.3=b, where all VMs of a network are known beforehand; see lan.sh
#   KDOCK_PORTS    tcp/9090/9090 udp/53/53: protocol / port of the container / port of the guest
#   KDOCK_GDB_PORT 1234, or empty: where QEMU's gdbstub listens; KDOCK_GDB_LISTEN: where that is published, see gdb-port.sh
#   KDOCK_PAUSED   1 where the guest waits for a debugger before its first instruction
#   KDOCK_GUEST_MUX  the sockets that guest-mux.pl is given: its own, the guest's port, QEMU's monitor
#   KDOCK_SHARES   share0,9p,ro,/mnt/data,/shares/share0,/run/kdock/share0.sock share1,virtiofs,rw,...: host folders: tag, transport,
#                  access, mount point in the guest, place in this container, virtiofsd's socket
#   KDOCK_PANIC_DRIVER  what the kernel has for the pvpanic device, see run-qemu.pl
#   KDOCK_PANIC_DUMP, KDOCK_PANIC_SOCKET   where the guest's memory goes when its kernel panics, and the monitor for that
#
# Lines that begin with "[kdock]" are passed on to the person who started this, up to the one with which run-qemu.pl hands the console over.
set -eu
lib=${0%/*}
# shellcheck source=images/vm/names.sh
. "$lib/names.sh"

# Whatever ends this script before QEMU takes its place is said in the same way.
doing="this container could not be started"
trap 'printf "[kdock] error: %s\r\n" "$doing"; exit "$KDOCK_START_REFUSED"' EXIT
say() { printf '[kdock] %s\r\n' "$*"; }
fail() { doing=$*; exit "$KDOCK_START_REFUSED"; }

# Devices belong to root with the host's mode; this /dev is the container's own, so opening it up touches nothing else.
open_device() { [ -e "$1" ] && chmod 666 "$1" 2>/dev/null; }

# /dev/kvm may exist and be useless: without vmx or svm a guest spins for ever (nested or paravirtualised KVM).
why_no_kvm() {
  if [ "$KDOCK_MACHINE" != "$(uname -m)" ]; then echo "the guest is $KDOCK_MACHINE, and this machine is $(uname -m)"; return; fi
  if [ ! -e /dev/kvm ]; then echo "/dev/kvm is not there"; return; fi
  if ! (exec 3<>/dev/kvm) 2>/dev/null; then echo "/dev/kvm cannot be opened"; return; fi
  [ "$KDOCK_MACHINE" = x86_64 ] || return 0
  grep -qE '^flags.*\b(vmx|svm)\b' /proc/cpuinfo || echo "/dev/kvm is there, but the processor shows neither vmx nor svm"
}

choose_accelerator() {
  open_device /dev/kvm || true
  reason=$(why_no_kvm)
  case "${KDOCK_ACCEL:-auto}" in
    tcg) say "accelerator: tcg (emulation), as asked"; accel=tcg ;;
    kvm) [ -z "$reason" ] || fail "KVM is required, but $reason"; say "accelerator: kvm"; accel=kvm ;;
    auto) if [ -z "$reason" ]; then say "accelerator: kvm"; accel=kvm
          else say "accelerator: tcg (emulation), because $reason"; accel=tcg; fi ;;
    *) fail "KDOCK_ACCEL is '$KDOCK_ACCEL': auto, kvm or tcg" ;;
  esac
}

# The container's interface to the outside; nothing where it has none.
way_out() { ip -o -4 route show default | sed -n 's/.* dev \([^ ]*\).*/\1/p' | head -n 1; }

# Mode bridge: tap, bridge, DHCP and MASQUERADE.
bridge_network() {
  [ -e /dev/net/tun ] || fail "/dev/net/tun is not in this container: give it --device /dev/net/tun (on the host: modprobe tun)"
  open_device /dev/net/tun || true
  doing="the guest's network could not be made: this container needs the capability NET_ADMIN (or --privileged)"
  subnet=$(ip_network "$KDOCK_GATEWAY")
  uplink=$(way_out)
  [ -z "$uplink" ] || mtu=$(cat "/sys/class/net/$uplink/mtu")

  # An address of its own: it would change with every port, and the guest would lose its gateway for a while.
  ip link add "$KDOCK_BRIDGE" address "$KDOCK_GATEWAY_MAC" type bridge forward_delay 0
  ip addr add "$KDOCK_GATEWAY" dev "$KDOCK_BRIDGE"
  ip link set "$KDOCK_BRIDGE" mtu "$mtu" up
  ip tuntap add dev "$KDOCK_TAP" mode tap user qemu
  ip link set "$KDOCK_TAP" mtu "$mtu" master "$KDOCK_BRIDGE" up

  # A least-privilege container cannot write here, and has the value from `--sysctl` already.
  [ "$(cat /proc/sys/net/ipv4/ip_forward)" = 1 ] || echo 1 > /proc/sys/net/ipv4/ip_forward
  iptables -t nat -A POSTROUTING -s "$subnet" ! -o "$KDOCK_BRIDGE" -j MASQUERADE
  # What is bridged is asked for here as well, on machines with br_netfilter.
  iptables -A FORWARD -i "$KDOCK_BRIDGE" -o "$KDOCK_BRIDGE" -j ACCEPT
  # With the guests' own addresses only: none can pose as the engine's gateway, or as another container.
  iptables -A FORWARD -i "$KDOCK_BRIDGE" -s "$subnet" -j ACCEPT
  # To the guest: answers, and what came to a published port.
  iptables -A FORWARD -o "$KDOCK_BRIDGE" -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
  iptables -A FORWARD -o "$KDOCK_BRIDGE" -m conntrack --ctstate DNAT -j ACCEPT
  iptables -P FORWARD DROP
  for port in ${KDOCK_PORTS:-}; do
    protocol=${port%%/*} rest=${port#*/}
    iptables -t nat -A PREROUTING ! -i "$KDOCK_BRIDGE" -p "$protocol" --dport "${rest%/*}" -j DNAT --to-destination "$KDOCK_GUEST:${rest#*/}"
  done

  # Before dnsmasq, which listens on the addresses that the bridge has by then.
  sh "$lib/ipv6.sh"

  # DHCP for this guest and no other that is on the same wire; names are answered by the resolver that the engine gave
  # this container (the first of them: Podman also gives that of its host, which knows no containers), those of other
  # guests by lan.sh's file. It drops to its user before it reads a packet, and keeps
  # NET_ADMIN alone, for the neighbour entry of a guest that has no address yet; --no-ping spares it NET_RAW.
  : > "$KDOCK_HOSTS_FILE"
  if [ -n "${KDOCK_GUEST6:-}" ]; then echo "$KDOCK_GUEST6 $KDOCK_GUEST_NAME" > "$KDOCK_HOSTS_FILE"; fi
  sh "$lib/confine.sh" net_admin,net_raw,net_bind_service \
    dnsmasq --conf-file=/dev/null --interface="$KDOCK_BRIDGE" --bind-interfaces --except-interface=lo --no-hosts --addn-hosts="$KDOCK_HOSTS_FILE" \
    --user=kdock-dns --group=kdock-dns --no-ping --strict-order \
    --dhcp-range="${subnet%/*},static,12h" --dhcp-host="$KDOCK_GUEST_MAC,$KDOCK_GUEST,$KDOCK_GUEST_NAME" --dhcp-ignore='tag:!known' \
    --dhcp-option=option:router,"${KDOCK_GATEWAY%/*}" --dhcp-option=option:dns-server,"${KDOCK_GATEWAY%/*}" \
    --dhcp-option=option:mtu,"$mtu" --dhcp-authoritative --dhcp-leasefile=/run/dnsmasq.leases --pid-file="$KDOCK_DNSMASQ_PID_FILE" \
    --log-facility="$KDOCK_DNSMASQ_LOG"
  echo "$uplink" > "$KDOCK_UPLINK_FILE"
  # shellcheck disable=SC2086 # a list on purpose
  if [ -n "${KDOCK_HOSTS:-}" ]; then sh "$lib/lan.sh" $KDOCK_HOSTS; fi
  say "network: guest $KDOCK_GUEST on $KDOCK_BRIDGE $KDOCK_GATEWAY, MASQUERADE to ${uplink:-nowhere: this container has no default route}"
}

# Mode host: bridge, tap and rules are on the host, where host-net.pl makes them, and takes them away when QEMU has
# ended. It hands the open tap over; what is published arrives in this container as always, and goes on from here.
host_network() {
  [ -n "${KDOCK_HOST_SOCKET:-}" ] && [ -e "$KDOCK_HOST_SOCKET" ] || fail "mode host needs the kdock command, which starts the host's part of it"
  doing="the guest's ports could not be handed on: this container needs the capability NET_ADMIN (or --privileged)"
  uplink=$(way_out)
  for port in ${KDOCK_PORTS:-}; do
    protocol=${port%%/*} rest=${port#*/}
    iptables -t nat -A PREROUTING -p "$protocol" --dport "${rest%/*}" -j DNAT --to-destination "$KDOCK_GUEST:${rest#*/}"
  done
  # Nothing else passes, or containers could use this one as their way to the guest.
  iptables -A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED,DNAT -j ACCEPT
  iptables -P FORWARD DROP
  # The guest's answers have to come back through here.
  [ -z "${KDOCK_PORTS:-}" ] || iptables -t nat -A POSTROUTING -d "$KDOCK_GUEST" -j MASQUERADE
  mtu=$(cat "${KDOCK_HOST_SOCKET%/*}/mtu" 2>/dev/null || echo 1500)
  address=$(ip -o -4 addr show dev "$uplink" | sed -n 's/.* inet \([0-9.]*\).*/\1/p' | head -n 1)
  doing="the host's part of the network is not there"
  before_qemu="perl $lib/host-net.pl take $KDOCK_HOST_SOCKET $KDOCK_GUEST_NAME $KDOCK_GUEST_MAC $KDOCK_GUEST $address $(guest_ports)"
}

# tcp/8080/80 udp/53/53 → tcp/80,udp/53
guest_ports() { echo "${KDOCK_PORTS:--}" | tr ' ' '\n' | sed 's|/[^/]*/|/|' | paste -sd , -; }

# Mode user: QEMU's own network stack. No tap, no bridge, nothing that needs rights.
user_network() {
  # QEMU makes the guest's connections itself, from inside this container, so the guest could reach its own gdbstub through
  # lo. gdb-port.sh refuses connections of QEMU's processes there, which it knows by a supplementary group that no user is in:
  # a debugger's container, which shares this network, may have QEMU's user ID.
  caller=$(sh "$lib/spare-group.sh")
  if [ -n "$caller" ]; then groups=--groups=$caller; fi
  say "network: guest $KDOCK_GUEST on QEMU's own network (user): it meets no other guests, and cannot be pinged"
}

none_network() { say "network: none, the guest has no card"; }

# Has gdb-port.sh close the gdbstub's port to guests and other containers. Sets gdb to what QEMU is told: "closed", the stub
# listens on all addresses; "ipv4", on those of IPv4 only; "off", there is no stub, because the port could not be closed.
close_gdb_port() {
  if [ "$mode" = user ] && [ -z "$caller" ]; then
    gdb=off why="this container's user namespace maps no unused group (/proc/self/gid_map) to keep the guest from its port by"
  else
    gdb=$(sh "$lib/gdb-port.sh" close ${caller:+"$caller"})
    case "$gdb" in
      closed | ipv4) sh "$lib/gdb-port.sh" follow </dev/null >/dev/null 2>/run/gdb-port.log & return ;;
    esac
    why="its port cannot be closed to guests and other containers without the capability NET_ADMIN ($gdb)"
    gdb=off
  fi
  [ -z "${KDOCK_PAUSED:-}" ] || fail "no gdbserver, and the guest was to wait for a debugger: $why"
  # kdock reads this line, and later the file.
  say "gdbserver: off, because $why"
  echo "$why" > "$KDOCK_NO_GDBSERVER_FILE"
}

# 10.0.3.1/24 → 10.0.3.0/24, by the kernel's own arithmetic once the address is on an interface.
ip_network() {
  prefix=${1#*/}
  IFS=. read -r a b c d <<EOT
${1%/*}
EOT
  n=$(( (a << 24) | (b << 16) | (c << 8) | d ))
  n=$(( n & (0xffffffff << (32 - prefix)) & 0xffffffff ))
  echo "$(( n >> 24 )).$(( n >> 16 & 255 )).$(( n >> 8 & 255 )).$(( n & 255 ))/$prefix"
}

# Host folders. QEMU and virtiofsd run with the user and group ID of the folders' owner and without capabilities: the guest
# can do what the owner could, and its files belong to the owner. The user qemu of images/vm/Dockerfile, 1000, is changed to that.
become_owner() {
  writer='' reader='' written=''
  for share in $KDOCK_SHARES; do
    share_words "$share"
    owner=$(stat -c %u:%g "$folder")
    if [ "$access" = rw ]; then
      [ -z "$writer" ] || [ "${writer%:*}" = "${owner%:*}" ] ||
        fail "the folders on $written and $point belong to two users ($writer and $owner): a VM writes as one of them only"
      writer=${writer:-$owner} written=$point
    elif [ -z "$reader" ] || [ "${reader%:*}" = 0 ]; then
      reader=$owner
    fi
  done
  owner=${writer:-$reader}
  sed -i "s/^qemu:x:[0-9]*:[0-9]*:/qemu:x:$owner:/" /etc/passwd
  sed -i "s/^qemu:x:[0-9]*:/qemu:x:${owner#*:}:/" /etc/group
}

share_words() { # share0,9p,ro,/mnt/data,/shares/share0,/run/kdock/share0.sock
  IFS=, read -r tag transport access point folder socket <<EOT
$1
EOT
}

may() { $as_qemu test "$1" "$folder"; }

serve_shares() {
  for share in $KDOCK_SHARES; do
    share_words "$share"
    { may -r && may -x; } || fail "user $owner cannot read the folder on $point, which belongs to $(stat -c %u:%g "$folder")"
    [ "$access" = ro ] || may -w || fail "user $owner cannot write to the folder on $point: its mode is $(stat -c %a "$folder")"
    [ "$transport" != virtiofs ] || serve_virtiofs
  done
  say "shares: served as user $owner"
}

serve_virtiofs() {
  log=/run/$tag.log
  read_only=''
  [ "$access" = rw ] || read_only=--readonly
  # All users of the guest write as the owner here. No cache: what changes on one side is seen on the other
  # at once, and files are read right into the guest's memory; see docs/explanation/architecture.md for what that costs.
  # This container is the sandbox: nothing else of the host is in it. virtiofsd that is root insists on giving up
  # capabilities itself, for which it needs one; afterwards it has none.
  keep=-all
  [ "${owner%:*}" != 0 ] || keep=-all,+setpcap
  # shellcheck disable=SC2086 # lists on purpose
  setpriv $qemu_user --clear-groups --bounding-set="$keep" /usr/libexec/virtiofsd --socket-path="$socket" --shared-dir="$folder" \
    --sandbox=none --modcaps=-chown:-dac_override:-fowner:-fsetid:-setgid:-setuid:-mknod:-setfcap --cache=never $read_only \
    --translate-uid="squash-guest:0:${owner%:*}:4294967295" --translate-gid="squash-guest:0:${owner#*:}:4294967295" \
    </dev/null >"$log" 2>&1 &
  waited=0
  until grep -q Waiting "$log"; do
    waited=$((waited + 1))
    { [ "$waited" -lt 200 ] && ! grep -qi error "$log"; } || fail "virtiofsd did not start: $(tail -n 1 "$log")"
    sleep 0.05
  done
}

choose_accelerator
qemu_user="--reuid=qemu --regid=qemu --no-new-privs --inh-caps=-all"
as_qemu="setpriv $qemu_user --clear-groups --bounding-set=-all"
if [ -n "${KDOCK_SHARES:-}" ]; then become_owner; fi
mode=${KDOCK_NET_MODE:-bridge} mtu=1500 before_qemu="" groups=--clear-groups caller='' gdb=closed
if [ "$mode" = bridge ] && [ ! -e /dev/net/tun ] && [ -n "${KDOCK_USER_NETDEV:-}" ]; then
  say "/dev/net/tun is not there (on the host: modprobe tun): QEMU's own network takes the place of the bridge"
  mode=user
fi
case "$mode" in
  bridge | host | user | none) "${mode}_network" ;;
  *) fail "KDOCK_NET_MODE is '$mode': bridge, host, user or none" ;;
esac
echo "$mode" > "$KDOCK_NET_MODE_FILE"
if [ -n "${KDOCK_GDB_PORT:-}" ]; then close_gdb_port; fi

# Emulated, the guest's time stamp counter is this machine's. The guest measures it in a moment of its boot, without PIT
# and under load 11 % wrong, then goes on with HPET, which is slow to read. What this machine says it is told instead, unless the
# figure moves with the load; a guest that sees more than 1 % of difference goes its own way as before. (Linux 5.10 and later.)
counter_khz() {
  [ "$accel/$(uname -m)/$KDOCK_MACHINE" = tcg/x86_64/x86_64 ] && [ ! -e /sys/devices/system/cpu/cpu0/cpufreq ] || return 0
  awk -F: '/^cpu MHz/ { printf "%d", $2 * 1000; exit }' /proc/cpuinfo
}
khz=$(counter_khz)

# The kernel's own modules lie behind the root: an initramfs may be several, one after the other.
initrd() {
  if [ ! -e "$KDOCK_MODULES_CPIO" ]; then echo "$KDOCK_ROOTFS"; return; fi
  cat "$KDOCK_ROOTFS" "$KDOCK_MODULES_CPIO" > /run/initrd.cpio
  echo /run/initrd.cpio
}

# Also for a guest that asks no DHCP server. In mode user QEMU ends every connection itself, and has frames of 1500.
mtu_word=''
[ "$mtu" = 1500 ] || mtu_word="$KDOCK_MTU_WORD=$mtu "

# What QEMU is told of this machine: it comes before the planned arguments, so that the card keeps its slot, the first one.
case "$mode" in
  bridge | host) netdev=$KDOCK_TAP_NETDEV words='' ;;
  user) netdev=$KDOCK_USER_NETDEV words=${KDOCK_USER_WORDS:-} ;;
  none) netdev='' words=${KDOCK_NONE_WORDS:-} ;;
esac
case "$gdb" in
  closed) [ -z "${KDOCK_GDB_PORT:-}" ] || set -- -gdb "tcp::$KDOCK_GDB_PORT" "$@" ;;
  ipv4) set -- -gdb "tcp:0.0.0.0:$KDOCK_GDB_PORT" "$@" ;;
esac
# Words of this machine come before the user's own, which may name others.
initrd=$(initrd)
set -- -initrd "$initrd" -append "${khz:+tsc_early_khz=$khz }$mtu_word$KDOCK_COMMAND_LINE${words:+ $words}" "$@"
[ -z "$netdev" ] || set -- -netdev "$netdev" -device "$KDOCK_NIC" "$@"

case "$accel" in kvm) cpu=host ;; *) cpu=$KDOCK_EMULATED_CPU ;; esac
cpu=${KDOCK_CPU:-$cpu}
case "$accel/$cpu" in tcg/host | tcg/host,*) fail "the processor host needs KVM, and this machine is emulated (tcg)${reason:+, because $reason}" ;; esac
sandbox=on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny
chown qemu:qemu "$KDOCK_RUN"
[ -t 0 ] && stty raw -echo 2>/dev/null || true
if [ -n "${KDOCK_SHARES:-}" ]; then
  serve_shares
  # kdock's line to the guest may have been opened by the qemu that had other numbers: sockets are for both.
  umask 0
fi
# The guest's agent has one port: guest-mux.pl shares it among clients, and is started again if it ends.
[ -z "${KDOCK_GUEST_MUX:-}" ] || $as_qemu sh -c 'cd "$KDOCK_RUN" && while :; do
    perl '"$lib/guest-mux.pl $KDOCK_GUEST_MUX"' 2>>guest-mux.log; sleep 1; done' </dev/null >/dev/null &
if [ -n "${KDOCK_PANIC_DUMP:-}" ]; then
  # QEMU makes the socket a moment later.
  $as_qemu socat "UNIX-CONNECT:$KDOCK_PANIC_SOCKET,retry=600,interval=0.05" \
    "EXEC:sh $lib/panic.sh $KDOCK_PANIC_DUMP" </dev/null &
fi
# A chain of exec: each program replaces the one before it in this process. host-net.pl (mode host) opens the tap, open-disks.pl
# the disks; setpriv gives up root; run-qemu.pl starts QEMU and waits for its end.
disks=''
[ -z "${KDOCK_DISKS:-}" ] || disks="perl $lib/open-disks.pl"
# shellcheck disable=SC2086 # commands and lists on purpose
exec $before_qemu $disks setpriv $qemu_user "$groups" --bounding-set=-all \
  perl "$lib/run-qemu.pl" "$KDOCK_END_RECORD" "$KDOCK_QEMU" -accel "$accel" -cpu "$cpu" -sandbox "$sandbox" "$@"
