# shellcheck shell=sh disable=SC2154,SC2164 # words of build.sh, which has set -e
# module.sh — modules: those of the kernel's own tree as the guest has them, and those that live outside of it. A part of
# build.sh, which sources it: with_toolchain, kmake, has, say, phase, lib, jobs, module_key and private_key are that one's.
#
# build.sh module   builds an out-of-tree module
#   /src               the source of its kernel                                    (volume)
#   /module            what was built before, a folder for each module             (volume)
#   /in/kit.tar.zst    what a build of that kernel left for this: see pack_kit
#   /in/module/...     the user's folder, with its Kbuild or Makefile
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
  [ "$(cat "$folder/.kdock/kernel" 2>/dev/null)" = "$KDOCK_MODULE_KERNEL" ] || rm -rf "$folder"
  take_module
  phase compile
  kmake -j"$jobs" M="$folder" modules
  phase collect
  find /out -mindepth 1 -delete
  # Not every .ko that lies there: obj-m may have named more before.
  modules_in_order | while IFS= read -r file; do find "$folder" -name "$file" -exec cp -t /out {} +; done
  ls /out/*.ko > /dev/null 2>&1 || {
    echo "error: there was nothing to build: obj-m names no object" >&2
    exit 64
  }
  sign_module
  list_modules > /out/modules.txt
}

# Files that have not changed keep their times, and those that are gone do not stay.
take_module() {
  mkdir -p "$folder/.kdock"
  echo "$KDOCK_MODULE_KERNEL" > "$folder/.kdock/kernel"
  (cd /in/module && find . ! -type d | LC_ALL=C sort) > "$folder/.kdock/files.new"
  [ ! -e "$folder/.kdock/files" ] || LC_ALL=C comm -23 "$folder/.kdock/files" "$folder/.kdock/files.new" |
    while IFS= read -r gone; do rm -f "$folder/$gone"; done
  rsync -rl --checksum --executability /in/module/ "$folder/"
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
  if [ -s "$private_key" ]; then key=$private_key; check_module_key; fi
  hash=$(sed -n 's/^CONFIG_MODULE_SIG_HASH="\(.*\)"$/\1/p' /build/.config)
  for file in /out/*.ko; do /build/scripts/sign-file "$hash" "$key" "$key" "$file"; done
}

# As obj-m has them; modules.order names them in one way or another in every version.
modules_in_order() { sed -n 's;^\(.*/\)*\([^/]*\)\.k\{0,1\}o$;\2.ko;p' "$folder/modules.order"; }

list_modules() {
  modules_in_order | while IFS= read -r file; do
    printf '%s\t%s\t%s\n' "$file" "$(modinfo -F depends "/out/$file")" "$(modinfo -F vermagic "/out/$file" | sed 's/ *$//')"
  done
}
