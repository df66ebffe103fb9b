#!/bin/sh
# build.sh [source|configure|compile|all|pack]... — the commands of a build by hand, in the same order.
#
#   /src      the busybox source, fetched once             (volume)
#   /build    objects, kept so that a rebuild is short     (volume)
#   /in       fragments.config: what the user asks for on top of our own fragment (optional)
#             keys: who may sign a tarball besides upstream (optional)
#   /overlay  files that go over the guest's tree, for pack (optional)
#   /out      the artifacts
#
#   KDOCK_SOURCE   release:1.37.0      KDOCK_SHA256  the tarball's checksum, for a version that sha256sums lacks
#   KDOCK_MIRRORS  base URLs to try before busybox.net, separated by spaces
#   KDOCK_TRIPLET, KDOCK_MAKE_ARCH  aarch64-linux-gnu and arm64; x86_64 where they are empty
#   KDOCK_JOBS     make -j, default: all processors
#
# Lines that begin with "@kdock" are for kdock's progress display, not for people.
set -eu
umask 022

# What a caller's environment holds must not reach a compiler, be it CFLAGS or MAKEFLAGS. Kept are kdock's own words, the
# way to the network, and what images/verify preloads to make life hard.
for name in $(env | LC_ALL=C sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
  case "$name" in
    KDOCK_* | *_proxy | *_PROXY | LD_PRELOAD | FAKETIME* | NO_FAKE_STAT | DONT_FAKE_MONOTONIC) ;;
    *) unset "$name" ;;
  esac
done
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/nonexistent LC_ALL=C.UTF-8 TZ=UTC
export PATH HOME LC_ALL TZ

lib=/usr/local/lib/kdock
: "${KDOCK_SOURCE:=release:1.37.0}"
jobs=${KDOCK_JOBS:-$(nproc)}
# Debian has no musl for cross compilers but one. glibc does as well: since 2.34 a static program finds host names without
# shared libraries (files and dns are built in), at the price of a megabyte.
specs=/usr/lib/x86_64-linux-musl/musl-gcc.specs
case "${KDOCK_TRIPLET:=}/$(uname -m)" in
  /x86_64) compiler=musl-gcc strip=strip libc=musl ;;
  # What musl-gcc does, with musl's package for amd64.
  /*) compiler="x86_64-linux-gnu-gcc -specs $specs" strip=x86_64-linux-gnu-strip libc=musl ;;
  # This machine's own compiler, with the libc that a cross compiler on others has.
  "$(uname -m)"-*)
    root=/usr/$KDOCK_TRIPLET
    compiler="$KDOCK_TRIPLET-gcc -nostdinc -isystem $($KDOCK_TRIPLET-gcc -print-file-name=include) -isystem $root/include -B$root/lib/ -L$root/lib"
    strip=$KDOCK_TRIPLET-strip libc=glibc ;;
  *) compiler=$KDOCK_TRIPLET-gcc strip=$KDOCK_TRIPLET-strip libc=glibc ;;
esac

say() { echo "==> $*"; }
phase() { echo "@kdock phase $*"; }

fetch() { sh "$lib/source.sh" "$KDOCK_SOURCE"; }

# Everything that would otherwise differ from machine to machine and from day to day.
pin_environment() {
  SOURCE_DATE_EPOCH=$(sed -n 's/^epoch //p' /src/.kdock-source)
  : "${SOURCE_DATE_EPOCH:=$(stat -c %Y /src/Makefile)}"
  LC_ALL=C PYTHONHASHSEED=0
  export SOURCE_DATE_EPOCH LC_ALL PYTHONHASHSEED
  # The banner shows the time of the build; before 1.34 only leaving it out makes it reproducible.
  grep -q SOURCE_DATE_EPOCH /src/scripts/kconfig/confdata.c || export KCONFIG_NOTIMESTAMP=1
}

# COMMAND make WORD..., with a compiler that knows its libc; for musl's -idirafter so that musl's own headers win over the kernel's.
with_toolchain() { # command, objects folder, make's other words
  run=$1 objects=$2
  shift 2
  if [ "$libc" = musl ]; then
    [ "$(uname -m)" = x86_64 ] || set -- ARCH=x86_64 CROSS_COMPILE=x86_64-linux-gnu- "$@"
    "$run" make -C /src O="$objects" CC="$compiler -idirafter /usr/local/include/kernel" HOSTCC=gcc "$@"
  else
    [ "$compiler" = "$KDOCK_TRIPLET-gcc" ] || set -- CC="$compiler" "$@"
    "$run" make -C /src O="$objects" ARCH="$KDOCK_MAKE_ARCH" CROSS_COMPILE="$KDOCK_TRIPLET-" HOSTCC=gcc "$@"
  fi
}

bmake() { with_toolchain command "$@"; }

# Objects that make would take for its own, although they were made from or with something else: source files come with
# times of their own, and make does not look at its tools.
forget_foreign_objects() {
  made_from="$(sed -n 's/^sha256 //p' /src/.kdock-source) $(tools | sha256sum)"
  if [ "$(cat /build/.kdock/made-from 2>/dev/null)" != "$made_from" ]; then
    find /build -mindepth 1 -delete
    mkdir /build/.kdock
  fi
  echo "$made_from" > /build/.kdock/made-from
}

configure() {
  phase configure
  version=$(make -s -C /src kernelversion 2>/dev/null)
  say "busybox $version, static $libc, $($compiler --version | head -n 1)"
  cd /build
  # A folder of its own, because passing through defconfig would make every object look out of date.
  mkdir -p .kdock/config
  [ -s /in/fragments.config ] && user=/in/fragments.config || user=
  # Ours first, the user's last, so that the user wins.
  python3 "$lib/kconfig.py" merge --version "$version" --config-dir "$lib/config" --output .kdock/demands.config \
    kdock ${KDOCK_TRIPLET:+cross} ${user:+--user "$user"}

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
  agent command
}

agent() { # command
  # shellcheck disable=SC2086 # with its words
  "$1" $compiler -static -O2 -Wall -Wextra -Werror -o kdock-agent "$lib/agent/kdock-agent.c"
  "$1" "$strip" kdock-agent
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
  { $compiler --version | head -n 1; dpkg-query -W -f '${Package} ${Version}\n' "$(libc_package)"; } > /out/toolchain.txt
  commands > /out/commands.txt
  tools > /out/tools.txt
  say "busybox $(stat -c %s /out/busybox) bytes, $(wc -l < busybox.links) commands; agent $(stat -c %s /out/kdock-agent) bytes"
}

libc_package() {
  if [ "$libc" = musl ]; then echo musl-dev:amd64; else dpkg-query -S "/usr/$KDOCK_TRIPLET/lib/libc.a" | cut -d: -f1; fi
}

# What has been typed here, in order; without how many at a time, which differs from machine to machine.
commands() {
  for name in SOURCE_DATE_EPOCH KCONFIG_NOTIMESTAMP PYTHONHASHSEED LC_ALL TZ; do
    eval "value=\${$name-}"
    # shellcheck disable=SC2154 # eval's
    [ -z "$value" ] || echo "export $(quoted "$name=$value")"
  done
  with_toolchain quoted /build/.kdock/config defconfig
  with_toolchain quoted /build/.kdock/config oldconfig
  with_toolchain quoted /build busybox
  agent quoted
  with_toolchain quoted /build install CONFIG_PREFIX=/out/install
}

# The words of a command line, in quotes where a shell would need them.
quoted() {
  for word in "$@"; do
    case "$word" in
      *[!A-Za-z0-9_./=:+,-]*) printf "'%s' " "$word" ;;
      *) printf '%s ' "$word" ;;
    esac
  done | sed 's/ $//'
  echo
}

# "name version": Debian's version, which names the program to the last patch.
tools() {
  names=
  program=${compiler%% *} triplet=${KDOCK_TRIPLET:-x86_64-linux-gnu}
  if [ "$program" != musl-gcc ]; then
    package=$(readlink "/usr/bin/$program" | sed 's/\(.*\)-\(gcc-[0-9]*\)$/\2-\1/')
    names="cross-gcc=$package cross-ld=binutils-$triplet"
    names=$(echo "$names" | tr _ -)
  fi
  [ "$libc" != glibc ] || names="$names glibc=$(libc_package)"
  names="$names gcc=$(readlink /usr/bin/gcc) ld=binutils musl=musl-dev make=make python3=python3 cpio=cpio tar=tar bzip2=bzip2 xz=xz-utils
    headers=linux-libc-dev"
  # shellcheck disable=SC2046,SC2086 # a list of packages on purpose; those that this suite lacks are left out
  dpkg-query -W -f '${Package} ${Version}\n' $(printf '%s\n' $names | sed 's/.*=//') 2>/dev/null |
    awk -v names="$names" '
      BEGIN { for (i = split(names, pairs); i > 0; i--) { split(pairs[i], pair, "="); name[pair[2]] = pair[1] } }
      $2 != "" { print name[$1], $2 }' | LC_ALL=C sort
}

prepare() {
  pin_environment
  forget_foreign_objects
  configure
  echo "@kdock config $(sha256sum < /build/.config | cut -d' ' -f1)"
}

[ $# -gt 0 ] || set -- all
case "$1" in
  source|configure|compile|all|pack) ;;
  *) exec "$@" ;;
esac
for command in "$@"; do
  case "$command" in
    source) fetch ;;
    configure) prepare ;;
    compile) prepare; compile; collect ;;
    all) fetch; prepare; compile; collect ;;
    pack) sh "$lib/rootfs/pack.sh" ;;
    *) echo "unknown command '$command': source, configure, compile, all or pack" >&2; exit 64 ;;
  esac
done
