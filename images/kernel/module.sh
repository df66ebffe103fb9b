# shellcheck shell=sh disable=SC2154,SC2164 # words of build.sh, which has set -e
# module.sh — modules: those of the kernel's own tree as the guest has them, and those that live outside of it. A part of
# build.sh, which sources it: with_toolchain, kmake, has, say, phase, lib, jobs and module_key are that one's.
#
# build.sh module   builds an out-of-tree module
#   /src               the source of its kernel                                    (volume)
#   /module            what was built before, a folder for each module             (volume)
#   /in/kit.tar.zst    what a build of that kernel left for this: see pack_kit
#   /in/module/...     the user's folder, with its Kbuild or Makefile
#   /in/make-variables what make is told besides, a line each: NAME=value
#   /out               the .ko files, and modules.txt: "FILE<TAB>DEPENDS<TAB>VERMAGIC", in the order to load them in
#   KDOCK_MODULE       its name      KDOCK_MODULE_KERNEL  the kernel's key: objects of another one are none
#
# The kernel's objects are not needed: whatever was configured last, a module fits the kernel that its kit comes from.

# What a kit belongs to.
source_state() {
  cat "$marker" /src/.kdock-patches/series 2>/dev/null | sha256sum | cut -d' ' -f1
}

# What `make M=` reads of the kernel's objects: the configuration, generated headers, the tools that take part, and the
# addresses' versions. Their times are one and the same, so that a module is not compiled anew because its kit was unpacked.
pack_kit() {
  source_state > .kdock/kit-source
  {
    for path in .config Makefile Module.symvers vmlinux.symvers .kdock/kit-source tools/objtool/objtool \
      tools/bpf/resolve_btfids/resolve_btfids include/config/auto.conf include/config/tristate.conf include/config/kernel.release; do
      [ ! -e "$path" ] || echo "$path"
    done
    find include/generated arch/*/include/generated -type f
    find scripts -type f ! -name '*.o' ! -name '*.a' ! -name '.*' ! -name '*.pyc' ! -path 'scripts/gdb/*' ! -path 'scripts/kconfig/*'
  } | LC_ALL=C sort > .kdock/kit-files
  tar -cf - --no-recursion --format=ustar --mtime="@$SOURCE_DATE_EPOCH" --owner=0 --group=0 --numeric-owner --mode=u+w,go+rX \
    --files-from=.kdock/kit-files | zstd -q -T1 -6 -f -o "$out/module-kit.tar.zst"
}

# The kernel's own modules, with all that gdb wants to know: $out/modules; and without it, as an initramfs that the guest
# gets beside its root: $out/modules.cpio. pack.sh in images/rootfs tells how its bytes stay the same.
install_modules() {
  kmake -s -j"$jobs" modules_install INSTALL_MOD_PATH="$out/modules" DEPMOD=/sbin/depmod
  # Both point at paths inside this container.
  rm -f "$out"/modules/lib/modules/*/build "$out"/modules/lib/modules/*/source
  # gdb reads no packed ones.
  find "$out/modules" -name '*.ko.gz' -exec gunzip {} + -o -name '*.ko.xz' -exec unxz {} + -o -name '*.ko.zst' -exec unzstd -q --rm {} +
  stage=$(mktemp -d)
  kmake -s -j"$jobs" modules_install INSTALL_MOD_PATH="$stage" INSTALL_MOD_STRIP=1 DEPMOD=/sbin/depmod
  rm -f "$stage"/lib/modules/*/build "$stage"/lib/modules/*/source
  (
    cd "$stage"
    find . -type d -exec chmod 0755 {} +
    find . -type f -exec chmod 0644 {} +
    find . -exec touch --no-dereference --date=@0 {} +
    # Without an entry for lib, which an overlay may have made a link.
    find lib/modules | LC_ALL=C sort | cpio --quiet -o -H newc --reproducible -R 0:0 > "$out/modules.cpio"
  )
  rm -rf "$stage"
}

build_module() {
  pin_environment
  zstd -dcq /in/kit.tar.zst | tar -xf - -C /build
  if [ "$(cat /build/.kdock/kit-source)" != "$(source_state)" ]; then
    echo "error: the source in the volume is not the one that this kernel was built from" >&2
    exit 65
  fi
  folder=/module/$KDOCK_MODULE
  made_for=$(echo "$KDOCK_MODULE_KERNEL"; cat /in/make-variables)
  [ "$(cat "$folder/.kdock/made-for" 2>/dev/null)" = "$made_for" ] || rm -rf "$folder"
  take_module
  phase compile
  make_module
  phase collect
  find /out -mindepth 1 -delete
  modules_in_order > /tmp/modules
  twice=$(sed 's;.*/;;' /tmp/modules | LC_ALL=C sort | uniq -d)
  [ -z "$twice" ] || { echo "error: two modules of this folder are called $twice" >&2; exit 64; }
  while IFS= read -r file; do cp -t /out "$file"; done < /tmp/modules
  ls /out/*.ko > /dev/null 2>&1 || {
    echo "error: there was nothing to build: obj-m names no object" >&2
    exit 64
  }
  sign_module
  list_modules > /out/modules.txt
}

# In the module's folder, as people call it: $(PWD) is that one everywhere. What other modules export to this one is known to
# it, unless it says itself where that is.
make_module() {
  cd "$folder"
  export PWD
  KBUILD_EXTRA_SYMBOLS=$(other_symbols)
  export KBUILD_EXTRA_SYMBOLS
  set --
  while IFS= read -r variable; do set -- "$@" "$variable"; done < /in/make-variables
  rm -f .kdock/built .kdock/failed
  if has_outer_half && make_outer_half "$@"; then return; fi
  # Nothing there called the kernel's build system: it is called as ever.
  echo "$folder" > .kdock/built
  kmake -j"$jobs" M="$folder" "$@" modules
}

other_symbols() {
  for other in /module/*/.kdock/built; do
    [ -e "$other" ] && [ "$other" != "$folder/.kdock/built" ] || continue
    [ "$(head -n 1 "${other%built}made-for" 2>/dev/null)" = "$KDOCK_MODULE_KERNEL" ] || continue
    while IFS= read -r built; do [ ! -e "$built/Module.symvers" ] || echo "$built/Module.symvers"; done < "$other"
  done | LC_ALL=C sort -u | tr '\n' ' '
}

# A Makefile that calls the kernel's build system for its own folder.
has_outer_half() {
  for makefile in GNUmakefile makefile Makefile; do
    [ ! -f "$makefile" ] || { grep -qE '(^|[^[:alnum:]_])(M|SUBDIRS|KBUILD_EXTMOD)=' "$makefile"; return; }
  done
  return 1
}

# Runs the default target of that half, because what it exports, what it adds to the call, and what it makes before (headers)
# belong to the module. Fails where it never called the kernel's build system; ends the build where that failed. What it does
# afterwards (insmod, install) may fail here.
make_outer_half() { # make's variables
  release=$(release_of_kit)
  outer=$(mktemp -d)
  printf '#!/bin/sh\nexec sh %s/outer-make.sh "$@"\n' "$lib" > "$outer/make"
  printf '#!/bin/sh\n[ "$*" != -r ] || { echo "%s"; exit; }\nexec /usr/bin/uname "$@"\n' "$release" > "$outer/uname"
  chmod +x "$outer/make" "$outer/uname"
  code=0
  (
    KDOCK_KERNEL_MAKE=$(kernel_make quoted -j"$jobs") KDOCK_MODULE_FOLDER=$folder KDOCK_RELEASE=$release KDOCK_OUTER_PATH=$PATH
    KDIR=/build KERNELDIR=/build KERNEL_DIR=/build KERNEL_SRC=/build KSRC=/build
    PATH=$outer:$PATH
    export KDOCK_KERNEL_MAKE KDOCK_MODULE_FOLDER KDOCK_RELEASE KDOCK_OUTER_PATH KDIR KERNELDIR KERNEL_DIR KERNEL_SRC KSRC PATH
    exec make "$@"
  ) || code=$?
  [ ! -e .kdock/failed ] || exit 2
  [ -s .kdock/built ] || { say "the Makefile's default target did not call the kernel's build system (exit code $code)"; return 1; }
  [ "$code" -eq 0 ] || say "the rest of the Makefile's default target failed (exit code $code): the module is built"
  LC_ALL=C sort -u -o .kdock/built .kdock/built
}

release_of_kit() { cat /build/include/config/kernel.release; }

# Files that have not changed keep their times, and those that are gone do not stay.
take_module() {
  mkdir -p "$folder/.kdock"
  echo "$made_for" > "$folder/.kdock/made-for"
  (cd /in/module && find . ! -type d | LC_ALL=C sort) > "$folder/.kdock/files.new"
  [ ! -e "$folder/.kdock/files" ] || LC_ALL=C comm -23 "$folder/.kdock/files" "$folder/.kdock/files.new" |
    while IFS= read -r gone; do rm -f "$folder/$gone"; done
  rsync -rl --force --checksum --executability /in/module/ "$folder/"
  mv "$folder/.kdock/files.new" "$folder/.kdock/files"
}

# By the key that the kernel trusts, where it looks at signatures at all.
sign_module() {
  has MODULE_SIG || return 0
  if ! grep -qxF "CONFIG_MODULE_SIG_KEY=\"$module_key\"" /build/.config || [ ! -x /build/scripts/sign-file ]; then
    say "not signed: this kernel's key is none of kdock's"
    return 0
  fi
  key=$lib/keys/module-signing.pem
  if [ -s /in/module-signing.pem ]; then key=/in/module-signing.pem; check_module_key; fi
  hash=$(sed -n 's/^CONFIG_MODULE_SIG_HASH="\(.*\)"$/\1/p' /build/.config)
  for file in /out/*.ko; do /build/scripts/sign-file "$hash" "$key" "$key" "$file"; done
}

# The .ko files that were built, as obj-m has them; what else lies there was built before. modules.order names them in one way or
# another in every version: .ko or .o, with the folder or without, behind "kernel/" or not.
modules_in_order() {
  while IFS= read -r built; do
    sed -n -e 's;^kernel//;/;' -e 's;\.k\{0,1\}o$;.ko;p' "$built/modules.order" | sed "s;^[^/];$built/&;"
  done < "$folder/.kdock/built"
}

list_modules() {
  while IFS= read -r file; do
    file=${file##*/}
    printf '%s\t%s\t%s\n' "$file" "$(modinfo -F depends "/out/$file")" "$(modinfo -F vermagic "/out/$file" | sed 's/ *$//')"
  done < /tmp/modules
}
