#!/bin/sh
# outer-make.sh — `make` while the half of a module's Makefile runs that people call: module.sh puts it first in PATH. A call
# for the kernel's build system (one with M=) gets the kernel of this build, wherever the Makefile thinks that a kernel is;
# what the Makefile exports, and the other words of the call, go along. All other calls are make's own.
#
#   KDOCK_KERNEL_MAKE     the command line for the kernel, quoted for a shell
#   KDOCK_MODULE_FOLDER   the module's folder; .kdock/built in it lists what was built, .kdock/failed is there if one failed
#   KDOCK_RELEASE         the kernel's release
#   KDOCK_OUTER_PATH      PATH without this
set -eu

own_make() {
  # By this name, so that $(MAKE) is this script again.
  exec perl -e 'exec { "/usr/bin/make" } "make", @ARGV or die "make: $!\n"' -- "$@"
}

where='' asked=''
for word in "$@"; do
  case "$word" in
    M=* | SUBDIRS=* | KBUILD_EXTMOD=*) where=${word#*=} asked=1 ;;
    kernelrelease | kernelversion) release=1 ;;
    -C) elsewhere=1 ;;
  esac
done
if [ -z "$asked" ]; then
  if [ -n "${release-}" ] && [ -n "${elsewhere-}" ]; then echo "$KDOCK_RELEASE"; exit; fi
  own_make "$@"
fi

case "$where" in
  "$KDOCK_MODULE_FOLDER" | "$KDOCK_MODULE_FOLDER"/*) ;;
  # A path of the user's machine.
  /* | '') where=$KDOCK_MODULE_FOLDER ;;
  *) where=$(realpath -m "$where") ;;
esac
where=${where%/}

targets='' skip=''
for word in "$@"; do
  shift
  if [ -n "$skip" ]; then skip=''; continue; fi
  case "$word" in
    -C | --directory | -j | --jobs) case "$word" in -C | --directory) skip=1 ;; esac ;;
    -C* | --directory=* | -j* | --jobs=*) ;;
    M=* | SUBDIRS=* | KBUILD_EXTMOD=*) ;;
    # The toolchain and the places are the kernel's.
    O=* | KBUILD_OUTPUT=* | ARCH=* | SUBARCH=* | SRCARCH=* | CROSS_COMPILE=* | LLVM=* | LLVM_IAS=* | PAHOLE=*) ;;
    CC=* | LD=* | AR=* | NM=* | OBJCOPY=* | OBJDUMP=* | READELF=* | STRIP=* | HOSTCC=* | HOSTCXX=* | HOSTLD=* | HOSTAR=*) ;;
    # What was built before is of use, and nothing is installed here.
    clean | mrproper | distclean | install | modules_install | headers_install | modules_prepare | prepare | scripts | help) targets="$targets -" ;;
    -* | *=*) set -- "$@" "$word" ;;
    *) targets="$targets +" ; set -- "$@" "$word" ;;
  esac
done
case "$targets" in
  *+*) ;;
  *-*) exit 0 ;;
  *) set -- "$@" modules ;;
esac

PATH=$KDOCK_OUTER_PATH
export PATH
echo "$where" >> "$KDOCK_MODULE_FOLDER/.kdock/built"
code=0
eval "$KDOCK_KERNEL_MAKE"' M="$where" "$@"' || code=$?
[ "$code" -eq 0 ] || : > "$KDOCK_MODULE_FOLDER/.kdock/failed"
exit "$code"
