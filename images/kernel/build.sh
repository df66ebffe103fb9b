#!/bin/sh
# build.sh [source|configure|compile|all|ask|menu|module]... — what a person would type by hand, in the order in which they would type it.
#
#   /src     the kernel source, fetched once             (volume)
#   /build   objects, kept so that a rebuild is short    (volume)
#   /ccache  the compiler cache                          (volume)
#   /in      what the user asks for; all of it optional:
#              base.config          the configuration to start from (presets "file" and "host")
#              fragments.config     what is asked for on top of the preset
#              patches/*.patch      applied to the source, in the order of their names
#              initramfs/PATH       the project's files that CONFIG_INITRAMFS_SOURCE names by relative paths
#              module-signing.pem   the key to sign modules with, instead of the public one in keys/
#            KDOCK_INPUT names an archive of all that, where it does not come through the engine
#   /out     the artifacts, or where KDOCK_OUT says: inside /build, vmlinux is there without being copied
# For "module" see module.sh.
#
#   KDOCK_SOURCE  debian:6.12       KDOCK_PRESET  debug | defconfig | tiny | file | host
#   KDOCK_JOBS    make -j, default: all processors       KDOCK_CCACHE  1 | 0
#   KDOCK_DEOPTIMIZE  C files of the source to compile so that one can step through them: "net/ipv4/tcp_ipv4.c ..."
#   KDOCK_ARCH    x86_64 | arm64 | riscv64: which of the fragments in config/ hold. The rest of an architecture's row in
#                 kdock's table of architectures:
#   KDOCK_MAKE_ARCH, KDOCK_SOURCE_ARCH  make's ARCH=, and the folder below arch/
#   KDOCK_TRIPLET                       aarch64-linux-gnu, as GNU calls it; empty for x86_64
#   KDOCK_IMAGE, KDOCK_IMAGE_PATH       what is made to be booted, and where make leaves it
#   KDOCK_CONFIG_SHA256  of the .config that a lock expects; another one ends the build before it compiles
#   source.sh says what else decides about the source.
#
# Exit codes: 64 the input is refused; 65 something is not what a lock expects; 66 the engine sees other files than kdock;
# 69 no mirror can be reached; 74 kdock did not take all of the artifacts.
# Lines that begin with "@kdock" are for kdock's progress display, not for people.
set -eu
umask 022

# What a caller's environment holds must not reach a compiler, be it XZ_OPT, KCFLAGS or MAKEFLAGS. Kept are kdock's own
# words, the way to the network, and what images/verify preloads to make life hard.
for name in $(env | LC_ALL=C sed -n 's/^\([A-Za-z_][A-Za-z0-9_]*\)=.*/\1/p'); do
  case "$name" in
    KDOCK_* | TOOLCHAIN | CCACHE_DIR | CCACHE_MAXSIZE | *_proxy | *_PROXY) ;;
    LD_PRELOAD | FAKETIME* | NO_FAKE_STAT | DONT_FAKE_MONOTONIC) ;;
    *) unset "$name" ;;
  esac
done
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin HOME=/nonexistent LC_ALL=C.UTF-8 TZ=UTC
export PATH HOME LC_ALL TZ

lib=/usr/local/lib/kdock
if [ -n "${KDOCK_INPUT:-}" ]; then
  # Where the engine has other files under our names, the tree is another one as well.
  [ -r "$KDOCK_INPUT" ] || exit 66
  tar -xf "$KDOCK_INPUT" -C /in
fi
# What the source is. A tree that is mounted holds no words of ours.
marker=/src/.kdock-source
[ ! -e /in/source ] || marker=/in/source
# A key's place is part of the .config, and so of the kernel.
module_key=/build/.kdock/module-signing.pem
# A private one is in memory, which goes with the container: no layer and no volume has it.
private_key=/dev/shm/kdock-module-signing.pem
initramfs=/build/.kdock/initramfs
: "${KDOCK_SOURCE:=debian:6.12}" "${KDOCK_PRESET:=debug}" "${KDOCK_CCACHE:=1}"
: "${KDOCK_ARCH:=x86_64}" "${KDOCK_MAKE_ARCH:=x86_64}" "${KDOCK_SOURCE_ARCH:=x86}" "${KDOCK_TRIPLET:=}"
: "${KDOCK_IMAGE:=bzImage}" "${KDOCK_IMAGE_PATH:=arch/x86/boot/bzImage}"
# kconfig.py and objects.py read it as well.
export KDOCK_ARCH KDOCK_MAKE_ARCH KDOCK_SOURCE_ARCH KDOCK_TRIPLET
# What the tools for the kernel's architecture have before their names, and make's ARCH. On x86_64 both have always been
# left out for its own kernels; make's default there is x86, which Kconfig takes for something else than x86_64.
case "$KDOCK_ARCH/$(uname -m)" in
  x86_64/x86_64) tools_for='' arch_words='' ;;
  # Which of x86's defconfigs is meant, old kernels ask `uname -m`.
  x86_64/*) tools_for=x86_64-linux-gnu arch_words="ARCH=x86 KBUILD_DEFCONFIG=x86_64_defconfig" ;;
  *) tools_for=$KDOCK_TRIPLET arch_words="ARCH=$KDOCK_MAKE_ARCH" ;;
esac
# What compiles the kernel; TOOLCHAIN itself compiles the programs that its build needs. One clang compiles for all. The
# compiler's name is part of the .config, so it is the same on every machine: for x86_64 the plain one.
case "$TOOLCHAIN/$KDOCK_ARCH/$tools_for" in
  clang-*) compiler=$TOOLCHAIN ;;
  */x86_64/) compiler=$TOOLCHAIN ;;
  */x86_64/*)
    compiler=/tmp/kdock-compiler/$TOOLCHAIN
    mkdir -p /tmp/kdock-compiler
    ln -sf "$(command -v "$tools_for-$TOOLCHAIN")" "$compiler" ;;
  *) compiler=$tools_for-$TOOLCHAIN ;;
esac
jobs=${KDOCK_JOBS:-$(nproc)} out=${KDOCK_OUT:-/out}

# shellcheck source=images/kernel/deoptimize.sh
. "$lib/deoptimize.sh"
# shellcheck source=images/kernel/compat.sh
. "$lib/compat.sh"
# shellcheck source=images/kernel/config.sh
. "$lib/config.sh"
# shellcheck source=images/kernel/module.sh
. "$lib/module.sh"

say() { echo "==> $*"; }
phase() { echo "@kdock phase $*"; }
has() { grep -q "^CONFIG_$1=y" /build/.config; }
# The configuration to start from comes with the order.
is_given() { [ "$KDOCK_PRESET" = file ] || [ "$KDOCK_PRESET" = host ]; }

# Everything that would otherwise differ from machine to machine and from day to day.
pin_environment() {
  # The Makefile's own time stands in for the line that markers did not have before; no patch is applied to those yet.
  SOURCE_DATE_EPOCH=$(sed -n 's/^epoch //p' "$marker")
  : "${SOURCE_DATE_EPOCH:=$(stat -c %Y /src/Makefile)}"
  KBUILD_BUILD_TIMESTAMP=$(LC_ALL=C date -u -d "@$SOURCE_DATE_EPOCH" '+%a %b %e %T UTC %Y')
  KBUILD_BUILD_USER=kdock KBUILD_BUILD_HOST=kdock KBUILD_BUILD_VERSION=1
  LOCALVERSION='' KCONFIG_NOTIMESTAMP=1 PYTHONHASHSEED=0
  # Threads cut what they compress into other pieces than one does.
  XZ_OPT=-T1 ZSTD_NBTHREADS=1
  # The version is the Makefile's, whatever repository the tree is in.
  GIT_DIR=/nonexistent
  export GIT_DIR
  export SOURCE_DATE_EPOCH KBUILD_BUILD_TIMESTAMP KBUILD_BUILD_USER KBUILD_BUILD_HOST KBUILD_BUILD_VERSION
  export LOCALVERSION KCONFIG_NOTIMESTAMP PYTHONHASHSEED XZ_OPT ZSTD_NBTHREADS
  tools=$(tools)
  # The cache knows the compiler by its content, but not the assembler that the compiler calls.
  CCACHE_COMPILERCHECK=content
  CCACHE_NAMESPACE=binutils-$(echo "$tools" | sed -n "s/^${tools_for:+cross-}ld //p")
  export CCACHE_COMPILERCHECK CCACHE_NAMESPACE
  find_compat
}

# COMMAND make WORD..., with the toolchain of this image, and what compat.sh has found that the tree needs with it.
with_toolchain() { # command, before the compiler's name, make's other words
  run=$1 cache=$2
  shift 2
  [ -z "$pahole" ] || set -- PAHOLE="$pahole" "$@"
  # shellcheck disable=SC2086 # a list of words on purpose
  set -- $compat_words "$@"
  # The layout of structures is shuffled by a seed: by ours, not by one out of /dev/urandom.
  if [ -n "${randstruct:-}" ]; then set -- gen-randstruct-seed="$lib/randstruct-seed.sh" "$@"; fi
  # shellcheck disable=SC2086 # none, or one or two
  set -- ${tools_for:+CROSS_COMPILE=$tools_for-} $arch_words "$@"
  case "$TOOLCHAIN" in
    clang-*)
      # The tools by their names: LLVM=-19 means these from 5.18 on only.
      llvm=${TOOLCHAIN#clang-}
      "$run" make -C /src O=/build LLVM=1 CC="${cache}$TOOLCHAIN" LD="ld.lld-$llvm" AR="llvm-ar-$llvm" NM="llvm-nm-$llvm" \
        OBJCOPY="llvm-objcopy-$llvm" OBJDUMP="llvm-objdump-$llvm" READELF="llvm-readelf-$llvm" STRIP="llvm-strip-$llvm" \
        HOSTCC="$TOOLCHAIN" HOSTCXX="clang++-$llvm" HOSTAR="llvm-ar-$llvm" HOSTLD="ld.lld-$llvm" \
        HOSTCFLAGS="$host_flags" "$@" ;;
    *)
      "$run" make -C /src O=/build CC="${cache}$compiler" HOSTCC="$TOOLCHAIN" HOSTCXX="g++-${TOOLCHAIN#gcc-}" \
        HOSTCFLAGS="$host_flags" "$@" ;;
  esac
}

kmake() { kernel_make command "$@"; }

# COMMAND make WORD...; cc.sh stands before the cache, which has to see what it adds.
kernel_make() { # command, make's other words
  how=$1
  shift
  if [ "$KDOCK_CCACHE" = 1 ]; then
    with_toolchain "$how" "$lib/cc.sh ccache " "$@"
  else
    with_toolchain "$how" "$lib/cc.sh " "$@"
  fi
}

fetch() {
  sh "$lib/source.sh" "$KDOCK_SOURCE"
  sh "$lib/patches.sh"
}

# Objects that make would take for its own, although they were made from or with something else: source files come with
# times of their own, and make does not look at its tools. A git source or a tree of the user's has no sha256: there, what
# changes is newer than its objects, or kdock asks for the objects to be removed; but mtimes of a tree and of its copy differ.
forget_foreign_objects() {
  made_from="$(sed -n 's/^\(sha256\|transport\) //p' "$marker") $(echo "$tools" | sha256sum)$(compat_digest)"
  mkdir -p /build/.kdock
  [ ! -e /in/forget-objects ] || rm -f /build/.kdock/made-from
  [ "$(cat /build/.kdock/made-from 2>/dev/null)" = "$made_from" ] || forget_objects
  echo "$made_from" > /build/.kdock/made-from
}

forget_objects() {
  find /build -mindepth 1 -maxdepth 1 ! -name .config ! -name .kdock -exec rm -rf {} +
}

# The project's files for a compiled-in initramfs, without the times, owners and modes they happen to come with.
stage_initramfs() {
  rm -rf "$initramfs"
  [ -d /in/initramfs ] || return 0
  mkdir -p "$initramfs"
  (cd /in/initramfs && tar -cf - --no-acls --no-xattrs .) | tar -xf - -C "$initramfs" --no-same-owner --no-same-permissions
  find "$initramfs" -type d -exec chmod 0755 {} +
  find "$initramfs" -type f -perm -u+x -exec chmod 0755 {} +
  find "$initramfs" -type f ! -perm -u+x -exec chmod 0644 {} +
  find "$initramfs" -exec touch --no-dereference --date="@$SOURCE_DATE_EPOCH" {} +
}

configure() {
  phase configure
  cd /build
  mkdir -p .kdock
  stage_initramfs
  case "$KDOCK_SOURCE" in
    # Kdock has read it.
    path:*) version=$(sed -n 's/^version //p' "$marker") ;;
    *) version=$(make -s -C /src kernelversion 2>/dev/null) ;;
  esac
  say "kernel $version, $KDOCK_ARCH, preset $KDOCK_PRESET, $TOOLCHAIN"

  # The preset is a base configuration of the kernel's own plus fragments of ours ...
  case "$KDOCK_PRESET" in
    debug) base=tinyconfig fragments="guest debug" ;;
    defconfig) base=defconfig fragments="debug boot shares" ;;
    tiny) base=tinyconfig fragments="boot shares tiny" ;;
    file) base=olddefconfig fragments= ;;
    host) base=olddefconfig fragments="debug boot shares" ;;
    *) echo "unknown preset '$KDOCK_PRESET': debug, defconfig, tiny, file or host" >&2; exit 64 ;;
  esac
  # Tinyconfig came with 3.17.
  [ "$base" != tinyconfig ] || grep -qs '^tinyconfig' /src/scripts/kconfig/Makefile || base=allnoconfig
  [ -s /in/fragments.config ] && user=/in/fragments.config || user=

  # Nothing that the configuration is made from has changed: seconds saved on every rebuild.
  stamp=$({ echo "$version $KDOCK_ARCH $KDOCK_PRESET $TOOLCHAIN"; cat "$lib"/config/* "$lib"/kconfig*.py
            # Of a tree that changes with every edit, what the configuration is made from.
            if grep -q '^kconfig ' "$marker"; then grep '^kconfig ' "$marker"; else cat "$marker"; fi
            if is_given; then cat /in/base.config; fi
            echo "user $user"; if [ -n "$user" ]; then cat "$user"; fi
            if [ -e /src/.kdock-patches/series ]; then cat /src/.kdock-patches/series; fi
            if [ -d "$initramfs" ]; then (cd "$initramfs" && find . | LC_ALL=C sort); fi; } | sha256sum)
  if [ -f .config ] && [ "$(cat .kdock/configured 2>/dev/null)" = "$stamp $(sha256sum < .config)" ]; then
    say "configuration unchanged"
    # What had to be said about it is still true.
    cat .kdock/pins.log
    return
  fi

  # What belongs together is not together until all of it is done.
  rm -f .kdock/configured
  # ... and what the user asked for comes last, so it wins.
  # shellcheck disable=SC2086 # lists of words on purpose
  python3 "$lib/kconfig.py" merge --version "$version" --config-dir "$lib/config" \
    --output .kdock/demands.config --preset .kdock/preset.demands $fragments ${user:+--user "$user"}

  previous='' synced=''
  [ -f .config ] && { previous=.kdock/previous.config; cp .config "$previous"; }
  [ -f include/config/auto.conf ] && synced=1
  : > .kdock/pins.log
  if is_given; then
    cp /in/base.config .config.new
    mv .config.new .config
    python3 "$lib/kconfig.py" adopt --config .config --preset "$KDOCK_PRESET" >> .kdock/pins.log
  else
    kmake -s "$base"
  fi
  cp .config .kdock/preset.config
  python3 "$lib/kconfig.py" apply --demands .kdock/demands.config --config .config
  kmake -s olddefconfig
  limit_demands
  add_hash_of_modules
  python3 "$lib/kconfig.py" pin --demands .kdock/demands.config --config .config --initramfs "$initramfs" >> .kdock/pins.log
  cat .kdock/pins.log
  [ -z "${unchecked-}" ] || return 0
  check_demands

  # An unchanged .config keeps its old time, so that make does not start over: but not where what make reads instead of it,
  # auto.conf, was missing. The first program of kconfig's that ran has just made one, of the preset's base.
  if [ -n "$previous" ] && [ -n "$synced" ] && cmp -s "$previous" .config; then touch -r "$previous" .config; fi
  echo "$stamp $(sha256sum < .config)" > .kdock/configured
}

# An option that only the preset asks for, and that this kernel cannot have, is no error. What the user's requests keep the
# preset from is one: the preset by itself shows which it is.
limit_demands() {
  set -- limit --demands .kdock/demands.config --preset .kdock/preset.demands --config .config ${user:+--user "$user"}
  if [ -z "$user" ]; then
    python3 "$lib/kconfig.py" "$@" --alone .config
  elif ! python3 "$lib/kconfig.py" "$@"; then
    cp .kdock/preset.config .kdock/alone.config
    python3 "$lib/kconfig.py" apply --demands .kdock/preset.demands --config .kdock/alone.config
    KCONFIG_CONFIG=.kdock/alone.config kmake -s olddefconfig
    python3 "$lib/kconfig.py" "$@" --alone .kdock/alone.config
  fi
  sed -n 's/^# unavailable: /==> not available in this kernel: /p' .kdock/demands.config >> .kdock/pins.log
}

# Debian's kernels compare each signed module with a list of rejected ones, by its SHA-256, and load none where they cannot
# compute it: their Kconfig does not select what computes it.
add_hash_of_modules() {
  has MODULE_SIG && grep -qx '# CONFIG_CRYPTO_SHA256 is not set' .config || return 0
  grep -qs 'crypto_alloc_shash("sha256"' /src/kernel/module/signing.c /src/kernel/module_signing.c || return 0
  ! grep -q '^\(# \)\?CONFIG_CRYPTO_SHA256[= ]' .kdock/demands.config || return 0
  sed -i 's/^# CONFIG_CRYPTO_SHA256 is not set$/CONFIG_CRYPTO_SHA256=y/' .config
  kmake -s olddefconfig
  echo "@kdock notice CONFIG_CRYPTO_SHA256=y was added: this kernel loads no signed module without it" >> .kdock/pins.log
}

# A lock says which configuration the options came to; another one cannot give the kernel that it names.
expect_config() {
  found=$(sha256sum < /build/.config | cut -d' ' -f1)
  echo "@kdock config $found"
  [ "${KDOCK_CONFIG_SHA256:-$found}" != "$found" ] || return 0
  echo "@kdock config-drift"
  echo "error: the final .config is not the one that the lock names: its sha256 is $found, not $KDOCK_CONFIG_SHA256" >&2
  exit 65
}

take_private_key() {
  [ -e /in/module-signing.pem ] || return 0
  (umask 077; cat /in/module-signing.pem > "$private_key") ||
    refuse_key "cannot be read by the builder's user, which has the number $(id -u)"
  # compose mounts the user's own file there, which stays.
  rm -f /in/module-signing.pem 2>/dev/null || true
}

# Replaces what the build would draw at random with fixed values, and says so where a user may rely on its being secret.
pin_chance() {
  cd /build
  place_listed_files
  randstruct=
  if has RANDSTRUCT || has GCC_PLUGIN_RANDSTRUCT; then pin_randstruct; fi
  if grep -qxF "CONFIG_MODULE_SIG_KEY=\"$module_key\"" .config; then
    pin_module_key
  elif [ -s "$private_key" ]; then
    say "the configuration has no use for the module signing key that was given"
  fi
  # gcov's stamps and the latent_entropy plugin's constants come from the clock and /dev/urandom unless there is a seed.
  # $@ gives each part of the tree its own: make expands it where it descends into drivers, net and so on.
  if has GCC_PLUGIN_LATENT_ENTROPY || has GCOV_KERNEL; then
    # shellcheck disable=SC2016 # make's variable, not ours
    KCFLAGS='-frandom-seed=kdock-$$@'
    export KCFLAGS
  fi
  if has GCC_PLUGIN_LATENT_ENTROPY; then say "latent entropy comes from kdock's public seed: it is the same in every build"; fi
}

pin_randstruct() {
  say "structures are laid out by kdock's public seed: it hides nothing"
  randstruct=1
  # Before 5.19 the seed was a header of the plugin's, made only where there is none.
  [ -e /src/scripts/gcc-plugins/gen-random-seed.sh ] || return 0
  sh "$lib/randstruct-seed.sh" .kdock/seed .kdock/seed-hash.h
  echo "const char *randstruct_seed = \"$(cat .kdock/seed)\";" > .kdock/seed.h
  mkdir -p scripts/gcc-plugins include/generated
  cmp -s .kdock/seed.h scripts/gcc-plugins/randomize_layout_seed.h || cp .kdock/seed.h scripts/gcc-plugins/randomize_layout_seed.h
  cmp -s .kdock/seed-hash.h include/generated/randomize_layout_hash.h || cp .kdock/seed-hash.h include/generated/randomize_layout_hash.h
}

pin_module_key() {
  if [ -s "$private_key" ]; then
    key=$private_key
    check_module_key
    say "modules are signed with the given key: $(openssl x509 -in "$key" -noout -subject -nameopt RFC2253 | sed 's/^subject=//')"
  else
    key=$lib/keys/module-signing.pem
    say "modules are signed with kdock's public lab key: it protects nothing; kernel.moduleKey pins your own"
  fi
  # A key that has not changed keeps its time, so that make does not embed its certificate again.
  digest=$(sha256sum < "$key" | cut -d' ' -f1)
  [ "$(cat .kdock/module-key 2>/dev/null)" = "$digest" ] || echo "$digest" > .kdock/module-key
  rm -f "$module_key"
  if [ "$key" = "$private_key" ]; then ln -s "$key" "$module_key"; else cp "$key" "$module_key"; fi
  touch -r .kdock/module-key "$module_key"
}

refuse_key() { echo "error: the module signing key $*" >&2; exit 64; }

check_module_key() {
  public=$(openssl pkey -in "$key" -passin pass: -pubout 2>/dev/null) ||
    refuse_key "cannot be read: it has to be an unencrypted private key in PEM form"
  certified=$(openssl x509 -in "$key" -noout -pubkey 2>/dev/null) ||
    refuse_key "lacks its certificate: both belong into the file, in PEM form"
  [ "$public" = "$certified" ] || refuse_key "and the certificate beside it do not belong together"
  openssl x509 -in "$key" -noout -text | grep -q 'Public Key Algorithm: rsaEncryption$' ||
    refuse_key "is not an RSA key: signatures of other kinds differ each time they are made, and so would the kernel's modules"
}

compile() {
  cd /build
  forget_stale_headers
  forget_stale_initramfs
  echo "@kdock options $(grep -c '=[ym]$' .config)"
  phase compile
  pack_headers
  [ -z "${hands_over:-}" ] || begin_hand_over
  begin_levels
  if [ -n "$KDOCK_DEOPTIMIZE" ]; then
    compile_deoptimized
    # shellcheck disable=SC2046 # a list of make targets on purpose
    link_deoptimized $(targets)
  else
    # shellcheck disable=SC2046 # a list of make targets on purpose
    kmake -j"$jobs" $(targets)
  fi
}

targets() {
  echo "$KDOCK_IMAGE"
  # Before 5.1 they are made along with vmlinux.
  if has GDB_SCRIPTS && grep -q '^scripts_gdb:' /src/Makefile; then echo scripts_gdb; fi
  if has MODULES; then echo modules; fi
}

# CONFIG_IKHEADERS packs whatever headers lie in include/generated, also those of an earlier configuration.
forget_stale_headers() {
  grep -q '^CONFIG_IKHEADERS=[ym]' .config || return 0
  packed="$(sha256sum < .config) $(cat /src/.kdock-patches/series 2>/dev/null | sha256sum)"
  [ "$(cat .kdock/packed-headers 2>/dev/null)" = "$packed" ] || forget_objects
  echo "$packed" > .kdock/packed-headers
}

# The headers are packed before the rest is made. The one with the kernel's banner is made later, so that it would come
# along only in a rebuild; the kernel's script knows it by name, as no reason to pack again. Hidden meanwhile it keeps its
# time, and nothing is linked again for it.
pack_headers() {
  grep -q '^CONFIG_IKHEADERS=[ym]' .config || return 0
  rm -rf .kdock/hidden
  mkdir .kdock/hidden
  for header in $(grep -o 'include/generated/[a-z]*\.h' /src/kernel/gen_kheaders.sh | sort -u); do
    [ "$header" = include/generated/autoconf.h ] || [ ! -e "$header" ] || mv "$header" .kdock/hidden/
  done
  kmake -j"$jobs" kernel/kheaders.o
  find .kdock/hidden -type f -exec mv -t include/generated {} +
}

# Old trees do not notice that the time stamp changed (before 6.5), and files that all have one date never look new.
forget_stale_initramfs() {
  packed="$SOURCE_DATE_EPOCH $(initramfs_digest)"
  [ "$(cat .kdock/epoch 2>/dev/null)" = "$packed" ] || rm -rf usr
  echo "$packed" > .kdock/epoch
}

initramfs_words() { sed -n 's/^CONFIG_INITRAMFS_SOURCE="\(.*\)"$/\1/p' .config; }

# A list of files (usr/gen_init_cpio.c) names them by paths of its own: they mean the staged files as well.
place_listed_files() {
  for list in $(initramfs_words); do
    case "$list" in
      *.cpio | *.cpio.*) continue ;;
      "$initramfs"/*) [ -f "$list" ] || continue ;;
      *) continue ;;
    esac
    awk -v folder="$initramfs/" '
      $1 == "file" && !sub("^/in/initramfs/", folder, $3) && $3 !~ "^[/$]" { $3 = folder $3 }
      { print }' "$list" > .kdock/list
    while read -r kind _ location _; do
      case "$kind $location" in
        "file $initramfs"/*) [ -e "$location" ] || refuse_list "${list#"$initramfs"/}" "${location#"$initramfs"/}" ;;
      esac
    done < .kdock/list
    cp .kdock/list "$list"
    touch --date="@$SOURCE_DATE_EPOCH" "$list"
  done
}

refuse_list() { # list, file
  echo "error: $1 names $2, which is not among the project's files" >&2
  exit 64
}

# Of everything that CONFIG_INITRAMFS_SOURCE names, in names, modes and contents.
initramfs_digest() {
  words=$(initramfs_words)
  [ -n "$words" ] || return 0
  # The files that a list names lie in there, too.
  [ ! -d "$initramfs" ] || words="$words $initramfs"
  # shellcheck disable=SC2086 # a list of paths on purpose
  tar -cPf - --sort=name --mtime=@0 --owner=0 --group=0 --numeric-owner $words | sha256sum
}

# Puts the artifacts into $out; links are followed, because the gdb scripts in /build only point into /src.
collect() {
  phase collect
  cd /build
  mkdir -p "$out"
  find "$out" -mindepth 1 -delete
  # The linker makes a new file each time: what a link shows stays as it is.
  ln vmlinux "$out/" 2>/dev/null || cp vmlinux "$out/"
  cp "$KDOCK_IMAGE_PATH" System.map "$out/"
  cp .config "$out/config"
  cp .kdock/demands.config "$out/demands.config"
  release > "$out/kernel.release"
  if has GDB_SCRIPTS; then
    mkdir -p "$out/scripts/gdb"
    cp -L vmlinux-gdb.py "$out/"
    cp -rL scripts/gdb/linux "$out/scripts/gdb/"
    rm -rf "$out/scripts/gdb/linux/__pycache__"
    find "$out/scripts/gdb" ! -type d ! -name '*.py' -delete
  fi
  if grep -q '=m$' .config; then install_modules; fi
  kit=
  if has MODULES; then
    pack_kit &
    kit=$!
  fi
  "$compiler" --version | head -n 1 > "$out/toolchain.txt"
  # How it got here is no part of what it is.
  grep -v -e '^transport ' -e '^makefile ' "$marker" > "$out/source.txt"
  printf '%s' "$compat" > "$out/compat.txt"
  [ -z "$KDOCK_DEOPTIMIZE" ] || deoptimized > "$out/deoptimized.txt"
  commands > "$out/commands.txt"
  echo "$tools" > "$out/tools.txt"
  [ -z "$kit" ] || wait "$kit"
  say "$(cat "$out/kernel.release"): vmlinux $(stat -c %s "$out/vmlinux") bytes, $KDOCK_IMAGE $(stat -c %s "$out/$KDOCK_IMAGE") bytes"
}

# Where KDOCK_HAND names a socket, kdock waits there for the artifacts: hand-over.pl sends vmlinux while make still packs the
# image, and the rest when it is collected.
begin_hand_over() {
  hand=
  [ -n "${KDOCK_HAND:-}" ] || return 0
  rm -f .kdock/collected
  perl "$lib/hand-over.pl" "$KDOCK_HAND" "$out" &
  hand=$!
}

# From now on the artifacts may be taken. Where the socket cannot be reached they are left to the engine, which takes
# longer; where kdock hung up, it knows why.
hand_over() {
  if [ -n "${hand:-}" ]; then
    touch .kdock/collected
    status=0
    wait "$hand" || status=$?
    case $status in
      0) find "$out" -mindepth 1 -delete; return ;;
      75) ;;
      *) echo "error: the artifacts could not be handed over" >&2; exit 74 ;;
    esac
  fi
  echo "@kdock collected"
}

# The build leaves it in a file, which is the answer of "make kernelrelease" as well.
release() {
  if [ -f include/config/kernel.release ]; then cat include/config/kernel.release; else kmake -s kernelrelease | tail -n 1; fi
}

# What has been typed here, in order; without what differs from machine to machine: how many at a time, the cache, and where
# the artifacts go.
commands() {
  for name in SOURCE_DATE_EPOCH KBUILD_BUILD_TIMESTAMP KBUILD_BUILD_USER KBUILD_BUILD_HOST KBUILD_BUILD_VERSION \
    LOCALVERSION KCONFIG_NOTIMESTAMP PYTHONHASHSEED XZ_OPT ZSTD_NBTHREADS LC_ALL TZ KCFLAGS; do
    eval "value=\${$name-}"
    # shellcheck disable=SC2154 # eval's
    [ "$name" = KCFLAGS ] && [ -z "$value" ] || echo "export $(quoted "$name=$value")"
  done
  # Without a list cc.sh changes nothing.
  prefix=
  for name in KDOCK_OPTIMIZE KDOCK_COMPAT; do
    eval "value=\${$name-}"
    [ -n "$value" ] || continue
    prefix="$lib/cc.sh "
    echo "export $(quoted "$name=$value")"
  done
  [ -z "$KDOCK_LD" ] || echo "export $(quoted "KDOCK_LD=$KDOCK_LD")"
  # shellcheck disable=SC2154 # configure's
  is_given || with_toolchain quoted "$prefix" "$base"
  with_toolchain quoted "$prefix" olddefconfig
  # shellcheck disable=SC2046 # a list of make targets on purpose
  with_toolchain quoted "$prefix" $(targets)
  grep -q '=m$' .config || return 0
  with_toolchain quoted "$prefix" modules_install INSTALL_MOD_PATH=/out/modules DEPMOD=/sbin/depmod
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
  case "$TOOLCHAIN" in
    gcc-*) packages="gcc=$TOOLCHAIN g++=g++-${TOOLCHAIN#gcc-} gcc-plugin=$TOOLCHAIN-plugin-dev" ;;
    clang-*) packages="clang=$TOOLCHAIN lld=lld-${TOOLCHAIN#clang-} llvm=llvm-${TOOLCHAIN#clang-} gcc=gcc" ;;
  esac
  if [ -n "$tools_for" ]; then
    package=$(echo "$tools_for" | tr _ -)
    packages="$packages cross-gcc=$TOOLCHAIN-$package cross-ld=binutils-$package"
  fi
  names="$packages ld=binutils make=make bison=bison flex=flex bc=bc perl=perl python3=python3 kmod=kmod cpio=cpio tar=tar
    gzip=gzip bzip2=bzip2 xz=xz-utils zstd=zstd lz4=lz4 openssl=openssl pahole=pahole ccache=ccache patch=patch
    libc=libc6-dev libelf=libelf-dev libssl=libssl-dev libdw=libdw-dev"
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
  expect_config
  check_deoptimize
  pin_chance
}

# What the shell and all that it has waited for used of the processors: for people, so not among the artifacts.
tell_cpu_time() {
  # Not in a pipe: a shell in one has its own times. Nor into /build, which may be empty or not there at all: a special
  # builtin that cannot write ends the shell.
  told_times=$(mktemp)
  times > "$told_times"
  awk '{ for (i = 1; i <= NF; i++) { split($i, part, "m"); sum += part[1] * 60 + part[2] } }
    END { printf "@kdock cpu %.0f\n", sum }' "$told_times"
  rm -f "$told_times"
}

take_private_key
[ $# -gt 0 ] || set -- all
case "$1" in
  source|configure|compile|all|ask|menu|module) ;;
  *) exec "$@" ;;
esac
for command in "$@"; do
  case "$command" in
    source) fetch ;;
    configure) sh "$lib/patches.sh"; prepare ;;
    compile) sh "$lib/patches.sh"; prepare; compile; collect ;;
    all) hands_over=1; fetch; prepare; compile; collect; hand_over ;;
    ask | menu) "$command" ;;
    module) build_module ;;
    *) echo "unknown command '$command': source, configure, compile, all, ask, menu or module" >&2; exit 64 ;;
  esac
done
tell_cpu_time
