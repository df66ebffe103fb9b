#!/bin/sh
# build.sh [source|configure|compile|all|pack]... — what a person would type by hand, in the order in which they would
# type it.
#
#   /src      the busybox source, fetched once             (volume)
#   /build    objects, kept so that a rebuild is short     (volume)
#   /in       fragments.config: what the user asks for on top of our own fragment (optional)
#   /overlay  files that go over the guest's tree, for pack (optional)
#   /out      the artifacts
#
#   KDOCK_SOURCE   release:1.37.0      KDOCK_SHA256  the tarball's checksum, for a version that sha256sums lacks
#   KDOCK_MIRRORS  base URLs to try before busybox.net, separated by spaces
#   KDOCK_JOBS     make -j, default: all processors
#
# Lines that begin with "@kdock" are for kdock's progress display, not for people.
set -eu
umask 022
lib=/usr/local/lib/kdock
: "${KDOCK_SOURCE:=release:1.37.0}"
jobs=${KDOCK_JOBS:-$(nproc)}

say() { echo "==> $*"; }
phase() { echo "@kdock phase $*"; }

fetch() { sh "$lib/source.sh" "$KDOCK_SOURCE"; }

# Everything that would otherwise differ from machine to machine and from day to day.
pin_environment() {
  SOURCE_DATE_EPOCH=$(stat -c %Y /src/Makefile)
  LC_ALL=C TZ=UTC
  export SOURCE_DATE_EPOCH LC_ALL TZ
  # The banner shows the time of the build; before 1.34 only leaving it out makes it the same for everybody.
  grep -q SOURCE_DATE_EPOCH /src/scripts/kconfig/confdata.c || export KCONFIG_NOTIMESTAMP=1
}

# make, with musl's compiler; -idirafter so that musl's own headers win over the kernel's.
bmake() { # objects folder, make arguments
  objects=$1
  shift
  make -C /src O="$objects" CC="musl-gcc -idirafter /usr/local/include/kernel" HOSTCC=gcc "$@"
}

configure() {
  phase configure
  version=$(make -s -C /src kernelversion 2>/dev/null)
  say "busybox $version, static musl, $(gcc --version | head -n 1)"
  cd /build
  # A folder of its own, because passing through defconfig would make every object look out of date.
  mkdir -p .kdock/config
  [ -s /in/fragments.config ] && user=/in/fragments.config || user=
  # Ours first, the user's last, so that the user wins.
  python3 "$lib/kconfig.py" merge --version "$version" --config-dir "$lib/config" --output .kdock/demands.config \
    kdock ${user:+--user "$user"}

  log=.kdock/kconfig.log
  bmake /build/.kdock/config -s defconfig > $log 2>&1 || { cat $log >&2; exit 1; }
  python3 "$lib/kconfig.py" apply --demands .kdock/demands.config --config .kdock/config/.config
  # This Kconfig is too old for olddefconfig: an empty answer to each question takes its default.
  yes "" 2>/dev/null | bmake /build/.kdock/config -s oldconfig > $log 2>&1 || { cat $log >&2; exit 1; }
  python3 "$lib/kconfig.py" check --demands .kdock/demands.config --config .kdock/config/.config

  # An unchanged .config keeps its old time, so that make does not start over.
  cmp -s .kdock/config/.config .config || cp .kdock/config/.config .config
}

compile() {
  cd /build
  echo "@kdock options $(grep -c '=y$' .config)"
  phase compile
  # This Makefile takes any "s" among make's flags for -s and would show nothing; "quiet_" is its name for normal.
  bmake /build -j"$jobs" quiet=quiet_ busybox
  musl-gcc -static -O2 -Wall -Wextra -Werror -o kdock-agent "$lib/agent/kdock-agent.c"
  strip kdock-agent
}

collect() {
  phase collect
  cd /build
  find /out -mindepth 1 -delete
  bmake /build -s install CONFIG_PREFIX=/out/install > .kdock/install.log || { cat .kdock/install.log >&2; exit 1; }
  cp busybox kdock-agent /out/
  cp .config /out/busybox.config
  cp .kdock/demands.config /out/demands.config
  cp /src/.kdock-source /out/source.txt
  { gcc --version | head -n 1; dpkg-query -W -f '${Package} ${Version}\n' musl-dev; } > /out/toolchain.txt
  say "busybox $(stat -c %s /out/busybox) bytes, $(/out/busybox --list | wc -l) commands; agent $(stat -c %s /out/kdock-agent) bytes"
}

[ $# -gt 0 ] || set -- all
case "$1" in
  source|configure|compile|all|pack) ;;
  *) exec "$@" ;;
esac
for command in "$@"; do
  case "$command" in
    source) fetch ;;
    configure) pin_environment; configure ;;
    compile) pin_environment; configure; compile; collect ;;
    all) fetch; pin_environment; configure; compile; collect ;;
    pack) sh "$lib/rootfs/pack.sh" ;;
    *) echo "unknown command '$command': source, configure, compile, all or pack" >&2; exit 64 ;;
  esac
done
