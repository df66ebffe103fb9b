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

# Reads an option of make's, in all forms that make takes: `kept` is what goes along of it, `awaits` what may follow as a word of
# its own: its "value", which goes along, a "folder", or a "number". `elsewhere` is set where it names another folder.
read_option() {
  kept=$1 awaits=''
  case "$1" in
    --directory) kept='' awaits=folder elsewhere=1 ;;
    --directory=*) kept='' elsewhere=1 ;;
    --jobs | --load-average | --max-load) kept='' awaits=number ;;
    --jobs=* | --load-average=* | --max-load=*) kept='' ;;
    --file | --makefile | --include-dir | --old-file | --assume-old | --new-file | --assume-new | --what-if | --eval) awaits=value ;;
    --*) ;;
    *) read_letters "${1#-}" ;;
  esac
}

# Those of one word, as in -sC FOLDER: the first one that takes a value has the rest of the word, or the next word.
read_letters() {
  kept='' letters=$1
  while [ -n "$letters" ]; do
    letter=${letters%"${letters#?}"} letters=${letters#?}
    case "$letter" in
      C) elsewhere=1; [ -n "$letters" ] || awaits=folder; break ;;
      # How many at once is for the kernel's command line to say.
      j | l) [ -n "$letters" ] || awaits=number; break ;;
      f | I | o | W | E) kept=$kept$letter$letters; [ -n "$letters" ] || awaits=value; break ;;
      O) kept=$kept$letter$letters; break ;;
      *) kept=$kept$letter ;;
    esac
  done
  [ -z "$kept" ] || kept=-$kept
}

# Whether a word belongs to the option before it, which was of the kind `awaited`.
belongs() {
  awaited=$awaits awaits=''
  case "$awaited" in
    folder | value) ;;
    number) case "$1" in '' | *[!0-9.]*) return 1 ;; esac ;;
    *) return 1 ;;
  esac
}

where='' asked='' asks_release='' elsewhere='' awaits=''
for word in "$@"; do
  if belongs "$word"; then continue; fi
  case "$word" in
    -?*) read_option "$word" ;;
    M=* | SUBDIRS=* | KBUILD_EXTMOD=*) where=${word#*=} asked=1 ;;
    kernelrelease | kernelversion) asks_release=1 ;;
  esac
done
if [ -z "$asked" ]; then
  if [ -n "$asks_release" ] && [ -n "$elsewhere" ]; then echo "$KDOCK_RELEASE"; exit; fi
  own_make "$@"
fi

case "$where" in
  "$KDOCK_MODULE_FOLDER" | "$KDOCK_MODULE_FOLDER"/*) ;;
  # A path of the user's machine.
  /* | '') where=$KDOCK_MODULE_FOLDER ;;
  *) where=$(realpath -m "$where") ;;
esac
where=${where%/}

targets='' awaits=''
for word in "$@"; do
  shift
  if belongs "$word"; then
    [ "$awaited" != value ] || set -- "$@" "$word"
    continue
  fi
  case "$word" in
    -?*) read_option "$word"; [ -z "$kept" ] || set -- "$@" "$kept" ;;
    M=* | SUBDIRS=* | KBUILD_EXTMOD=*) ;;
    # The toolchain and the places are the kernel's.
    O=* | KBUILD_OUTPUT=* | ARCH=* | SUBARCH=* | SRCARCH=* | CROSS_COMPILE=* | LLVM=* | LLVM_IAS=* | PAHOLE=*) ;;
    CC=* | LD=* | AR=* | NM=* | OBJCOPY=* | OBJDUMP=* | READELF=* | STRIP=* | HOSTCC=* | HOSTCXX=* | HOSTLD=* | HOSTAR=*) ;;
    # What was built before is of use, and nothing is installed here.
    clean | mrproper | distclean | install | modules_install | headers_install | modules_prepare | prepare | scripts | help) targets="$targets -" ;;
    *=*) set -- "$@" "$word" ;;
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
