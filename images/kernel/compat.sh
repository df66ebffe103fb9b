# shellcheck shell=sh disable=SC2034,SC2154 # build.sh uses what is set here, and sets what is used
# compat.sh — workarounds that a tree needs to build and boot with tools newer than itself. Sourced by build.sh.
#
# Each fix is asked of the tree itself where that can be seen, because stable releases have many of them. What is used is
# listed: "NAME why", in /out/compat.txt, and from there in the manifest.

# The tree's version as one number: 5.10 is 5010. As it came, whatever a patch does to the Makefile.
tree_version() {
  makefile=/src/.kdock-patches/pristine/Makefile
  [ -e "$makefile" ] || makefile=/src/Makefile
  awk '$1 == "VERSION" && $2 == "=" { v = $3 } $1 == "PATCHLEVEL" && $2 == "=" { print v * 1000 + $3; exit }' "$makefile"
}

use() { # name, why
  compat="$compat$1 $2
"
}

find_compat() {
  compat='' compat_words='' compat_objects='' pahole='' pahole_words='' host_flags=-O2
  tree=$(tree_version)
  : "${tree:=0}"
  kind=${TOOLCHAIN%%-*} number=${TOOLCHAIN##*-}

  # dtc and others define a variable in a header. Mended in 5.7 (e33a814e772c); gcc 10 and clang 11 were the first to mind.
  if [ "$tree" -lt 5007 ]; then
    host_flags="$host_flags -fcommon"
    use host-fcommon "host tools define a variable twice (until 5.7)"
  fi

  # sign-file and extract-cert call what OpenSSL 3 has deprecated. Silenced in 5.19 (6bfb56e93bce).
  if [ "$tree" -lt 5019 ] && openssl version 2> /dev/null | grep -q '^OpenSSL [3-9]'; then
    host_flags="$host_flags -Wno-deprecated-declarations"
    use openssl-3 "host tools call deprecated functions of OpenSSL (until 5.19)"
  fi

  # objtool's library makes a warning of gcc 12's an error. Mended in 5.17 (52a9dab6d892), and in stable releases.
  if [ "$kind" = gcc ] && [ "$number" -ge 12 ] && grep -qs 'ret = realloc(ptr, size)' /src/tools/lib/subcmd/subcmd-util.h &&
    [ "$tree" -lt 5017 ]; then
    compat_words="$compat_words WERROR=0"
    use subcmd-werror "objtool's library warns with gcc 12 (until 5.17)"
  fi

  # Debian's compilers make position independent programs unless told otherwise. Told since 4.10 (c6a385539175,
  # 8ae94224c9d7), and in stable releases.
  if [ "$kind" = gcc ] && [ "$tree" -lt 4010 ] && ! grep -qi 'fno-pie' /src/Makefile; then
    compat_objects="$compat_objects all=-fno-pie"
    use no-pie "nothing is compiled to be position independent, which the compiler does by itself (until 4.10)"
  fi

  # gcc 10 checks the stack's canary after the function that changes it, and the kernel dies early. Mended in 5.7
  # (a9a3ed1eff36), and in stable releases, with a function of this name.
  if [ "$kind" = gcc ] && [ "$number" -ge 10 ] && [ "$tree" -lt 5007 ] && [ -e /src/init/main.c ] &&
    ! grep -q prevent_tail_call_optimization /src/init/main.c; then
    compat_objects="$compat_objects init/main.o=-fno-stack-protector arch/x86/kernel/smpboot.o=-fno-stack-protector"
    use early-canary "start_kernel is compiled without a stack canary (gcc 10, until 5.7)"
  fi

  # RHEL's kernels make every warning an error, also those that their compiler did not know. Since 5.15 there is
  # CONFIG_WERROR for it.
  if [ "$tree" -lt 5015 ] && grep -qs '^KBUILD_CFLAGS[[:space:]]*+=[[:space:]]*-Werror[[:space:]]*$' /src/Makefile; then
    compat_objects="$compat_objects last=-Wno-error"
    use no-werror "warnings of a newer compiler are no errors (until 5.15)"
  fi
  # RHEL 8's scripts/mod runs make for this header with the settings of a build whose objects lie elsewhere, in the source
  # folder. By its whole path the header comes to the objects from there as well.
  if [ "$tree" -lt 5004 ] && grep -qs '^$(version_h): FORCE' /src/scripts/mod/Makefile; then
    compat_words="$compat_words version_h=/build/include/generated/uapi/linux/version.h"
    use version-header "version.h is made by its whole path (RHEL 8)"
  fi
  KDOCK_COMPAT=${compat_objects# }
  export KDOCK_COMPAT

  find_linker
  find_pahole
}

# " DIGEST" of all that compat does to objects without make's seeing it; nothing for a tree that needs none of it.
compat_digest() {
  [ -n "$compat" ] || return 0
  {
    echo "$KDOCK_COMPAT $compat_words $host_flags $pahole_words"
    [ -z "$KDOCK_LD" ] || cat "$lib/ld.sh" "$lib/plt32.pl"
  } | sha256sum | sed 's/^/ /'
}

# What ld.sh, between make and the linker, does for a tree that does not know the linker's news of 2018.
find_linker() {
  KDOCK_LD=
  export KDOCK_LD
  [ "$KDOCK_ARCH" = x86_64 ] && [ "$tree" -lt 4016 ] || return 0
  # binutils 2.31 has another name for the relocation of a call. Known since 4.16 (b21ebf2fb4cd), and in stable releases.
  calls=$(grep -s R_X86_64_PLT32 /src/arch/x86/kernel/module.c || true)
  # Since then, segments begin at multiples of 4 KiB. Asked for 2 MiB since 4.16 (e3d03598e8ae), and in stable releases.
  pages=$(grep -s max-page-size=0x200000 /src/arch/x86/Makefile || true)
  [ -n "$calls" ] || use plt32 "the loader of modules does not know R_X86_64_PLT32 (until 4.16)"
  [ -n "$pages" ] || use page-size "vmlinux is linked for pages of 2 MiB, or it does not start (until 4.16)"
  [ -z "$calls" ] || [ -z "$pages" ] || return 0
  case "$kind" in
    clang) KDOCK_LD=ld.lld-$number ;;
    *) KDOCK_LD=${tools_for:+$tools_for-}ld ;;
  esac
  compat_words="$compat_words LD=$lib/ld.sh"
}

# The kernel passes pahole the options that it knew; a newer pahole needs more.
find_pahole() {
  found=$(pahole --version 2> /dev/null | sed -n 's/^v1\.\([0-9]*\)$/\1/p')
  [ -n "$found" ] || return 0
  one_thread=
  # Before 1.29, several threads number types in the order in which they get at them, and old kernels ask for threads
  # without asking whether the result is to be the same.
  [ "$found" -ge 29 ] || one_thread=1
  # Since 1.24 enumerations of 64 bits are written down, which kernels know from 6.0 on (6089fb325cf7).
  if [ "$found" -ge 24 ] && [ "$tree" -lt 6000 ]; then
    pahole_words=--skip_encoding_btf_enum64
    use pahole-enum64 "the kernel cannot read enumerations of 64 bits in its BTF (until 6.0)"
  fi
  [ -n "$one_thread$pahole_words" ] || return 0
  mkdir -p /build/.kdock/bin
  {
    echo '#!/bin/sh'
    echo '# pahole as this kernel can use it.'
    echo 'for word in "$@"; do'
    echo '  shift'
    [ -z "$one_thread" ] || echo '  case "$word" in -j | -j[0-9]* | --jobs | --jobs=*) continue ;; esac'
    [ -z "$pahole_words" ] || echo "  [ \"\$word\" != -J ] || set -- \"\$@\" $pahole_words"
    echo '  set -- "$@" "$word"'
    echo 'done'
    echo 'exec pahole "$@"'
  } > /build/.kdock/bin/pahole.new
  chmod +x /build/.kdock/bin/pahole.new
  mv /build/.kdock/bin/pahole.new /build/.kdock/bin/pahole
  pahole=/build/.kdock/bin/pahole
}
