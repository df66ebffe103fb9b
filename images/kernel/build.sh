#!/bin/sh
# build.sh [source|configure|compile|all] — what a person would type by hand, in the order in which they would type it.
#
#   /src     the kernel source, fetched once             (volume)
#   /build   objects, kept so that a rebuild is short    (volume)
#   /ccache  the compiler cache                          (volume)
#   /in      base.config, fragments.config: what the user asks for on top of the preset (optional)
#   /out     the artifacts
#
#   KDOCK_SOURCE  debian:6.12       KDOCK_PRESET  debug | defconfig | tiny | file
#   KDOCK_JOBS    make -j, default: all processors       KDOCK_CCACHE  1 | 0
#
# Lines that begin with "@kdock" are for kdock's progress display, not for people.
set -eu
umask 022
lib=/usr/local/lib/kdock
: "${KDOCK_SOURCE:=debian:6.12}" "${KDOCK_PRESET:=debug}" "${KDOCK_CCACHE:=1}"
jobs=${KDOCK_JOBS:-$(nproc)}

say() { echo "==> $*"; }
phase() { echo "@kdock phase $*"; }

# Everything that would otherwise differ from machine to machine and from day to day.
pin_environment() {
  SOURCE_DATE_EPOCH=$(stat -c %Y /src/Makefile)
  KBUILD_BUILD_TIMESTAMP=$(LC_ALL=C date -u -d "@$SOURCE_DATE_EPOCH" '+%a %b %e %T UTC %Y')
  KBUILD_BUILD_USER=kdock KBUILD_BUILD_HOST=kdock KBUILD_BUILD_VERSION=1
  LOCALVERSION='' KCONFIG_NOTIMESTAMP=1 PYTHONHASHSEED=0
  export SOURCE_DATE_EPOCH KBUILD_BUILD_TIMESTAMP KBUILD_BUILD_USER KBUILD_BUILD_HOST KBUILD_BUILD_VERSION
  export LOCALVERSION KCONFIG_NOTIMESTAMP PYTHONHASHSEED
}

# make, with the toolchain of this image. Host tools get -fcommon because kernels before 5.7 need it with gcc >= 10.
kmake() {
  cache=
  [ "$KDOCK_CCACHE" = 1 ] && cache="ccache "
  case "$TOOLCHAIN" in
    clang-*)
      make -C /src O=/build LLVM="-${TOOLCHAIN#clang-}" CC="${cache}$TOOLCHAIN" HOSTCC="$TOOLCHAIN" "$@" ;;
    *)
      make -C /src O=/build CC="${cache}$TOOLCHAIN" HOSTCC="$TOOLCHAIN" HOSTCFLAGS="-O2 -fcommon" "$@" ;;
  esac
}

configure() {
  phase configure
  cd /build
  version=$(make -s -C /src kernelversion 2>/dev/null)
  say "kernel $version, preset $KDOCK_PRESET, $TOOLCHAIN"

  # The preset is a base configuration of the kernel's own plus fragments of ours ...
  case "$KDOCK_PRESET" in
    debug) base=tinyconfig fragments="guest debug" ;;
    defconfig) base=defconfig fragments="debug boot" ;;
    tiny) base=tinyconfig fragments="boot" ;;
    file) base=olddefconfig fragments= ;;
    *) echo "unknown preset '$KDOCK_PRESET': debug, defconfig, tiny or file" >&2; exit 64 ;;
  esac
  rm -f .config.new
  [ "$KDOCK_PRESET" = file ] && cp /in/base.config .config.new
  [ -s /in/fragments.config ] && user=/in/fragments.config || user=

  # ... and what the user asked for comes last, so it wins.
  mkdir -p .kdock
  # shellcheck disable=SC2086 # lists of words on purpose
  python3 "$lib/kconfig.py" merge --version "$version" --config-dir "$lib/config" \
    --output .kdock/demands.config $fragments ${user:+--user "$user"}

  # Nothing that the configuration is made from has changed: seconds saved on every rebuild.
  stamp=$({ echo "$version $KDOCK_PRESET $TOOLCHAIN"; cat .kdock/demands.config "$lib/kconfig.py" /src/.kdock-source
            if [ "$KDOCK_PRESET" = file ]; then cat /in/base.config; fi; } | sha256sum)
  if [ -f .config ] && [ "$(cat .kdock/configured 2>/dev/null)" = "$stamp $(sha256sum < .config)" ]; then
    rm -f .config.new
    say "configuration unchanged"
    return
  fi

  previous=
  [ -f .config ] && { previous=.kdock/previous.config; cp .config "$previous"; }
  if [ -f .config.new ]; then mv .config.new .config; else kmake -s "$base"; fi
  python3 "$lib/kconfig.py" apply --demands .kdock/demands.config --config .config
  kmake -s olddefconfig
  python3 "$lib/kconfig.py" check --demands .kdock/demands.config --config .config --source /src --toolchain "$TOOLCHAIN"

  # An unchanged .config keeps its old time, so that make does not start over.
  if [ -n "$previous" ] && cmp -s "$previous" .config; then touch -r "$previous" .config; fi
  echo "$stamp $(sha256sum < .config)" > .kdock/configured
}

compile() {
  cd /build
  # Old trees do not notice that the time stamp changed (before 6.5): their embedded initramfs is made anew.
  if [ "$(cat .kdock/epoch 2>/dev/null)" != "$SOURCE_DATE_EPOCH" ]; then rm -rf usr; echo "$SOURCE_DATE_EPOCH" > .kdock/epoch; fi
  echo "@kdock options $(grep -c '=[ym]$' .config)"
  phase compile
  targets="bzImage"
  grep -q '^CONFIG_GDB_SCRIPTS=y' .config && targets="$targets scripts_gdb"
  grep -q '^CONFIG_MODULES=y' .config && targets="$targets modules"
  # shellcheck disable=SC2086 # a list of make targets on purpose
  kmake -j"$jobs" $targets
}

# Copies the artifacts to /out; links are followed, because the gdb scripts in /build only point into /src.
collect() {
  phase collect
  cd /build
  find /out -mindepth 1 -delete
  cp arch/x86/boot/bzImage vmlinux System.map /out/
  cp .config /out/config
  cp .kdock/demands.config /out/demands.config
  kmake -s kernelrelease | tail -n 1 > /out/kernel.release
  if [ -e vmlinux-gdb.py ]; then
    mkdir -p /out/scripts/gdb
    cp -L vmlinux-gdb.py /out/
    cp -rL scripts/gdb/linux /out/scripts/gdb/
    rm -rf /out/scripts/gdb/linux/__pycache__
    find /out/scripts/gdb ! -type d ! -name '*.py' -delete
  fi
  if grep -q '=m$' .config; then
    kmake -s modules_install INSTALL_MOD_PATH=/out/modules DEPMOD=/sbin/depmod
    # Both point at paths inside this container.
    rm -f /out/modules/lib/modules/*/build /out/modules/lib/modules/*/source
  fi
  "$TOOLCHAIN" --version | head -n 1 > /out/toolchain.txt
  cp /src/.kdock-source /out/source.txt
  say "$(cat /out/kernel.release): vmlinux $(stat -c %s /out/vmlinux) bytes, bzImage $(stat -c %s /out/bzImage) bytes"
}

command=${1:-all}
case "$command" in
  source) sh "$lib/source.sh" "$KDOCK_SOURCE" ;;
  configure) pin_environment; configure ;;
  compile) pin_environment; configure; compile; collect ;;
  all) sh "$lib/source.sh" "$KDOCK_SOURCE"; pin_environment; configure; compile; collect ;;
  *) exec "$@" ;;
esac
