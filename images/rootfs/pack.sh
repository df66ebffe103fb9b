#!/bin/sh
# pack.sh — merges what makes up the guest's root file system and packs it as an initramfs: /out/rootfs.cpio.
# src/archive/cpio.ts does the same for the CLI; a test holds the two against each other, byte for byte.
#
# What goes in, later ones winning:
#   1. empty folders: dev mnt proc root run sys tmp, which /init mounts on, and lib for a kernel's modules
#   2. /out/install          busybox and its links (`make install`)
#   3. tree/ beside this     /init and what it needs
#   4. /out/kdock-agent      as /usr/sbin/kdock-agent
#   5. /overlay              the user's files, if there are any
#   6. /init/*               as executables in /etc/kdock/init.d: the scripts of rootfs.init
#      KDOCK_STRICT=true     rootfs.strict: an empty /etc/kdock/strict
#   A folder over a folder merges; anything else takes the place of what was there.
#
# The same input gives the same bytes everywhere:
#   - Entries are sorted by path, bytewise (UTF-8), without "./"; there is no entry for the root folder itself.
#   - Modes are normalised: folders 0755; files 0755 if their owner may execute them, else 0644; links 0777.
#   - Owner and group 0, every mtime 0, device numbers 0. There are no hard links and no device nodes: the kernel's
#     built-in initramfs has /dev/console, and devtmpfs has the rest.
#   - Format newc as GNU cpio writes it: 8 upper-case hex digits per field, check field 0; inode numbers counted up in
#     order of the entries from 0; nlink 1, for folders 2; TRAILER!!! has inode 0 and nlink 1;
#     names with their NUL and contents are padded to 4 bytes; the whole is padded with zeroes to 512 bytes.
set -eu
umask 022
here=$(dirname "$0")
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
trap 'exit 130' INT TERM

# Copies with the links as they are.
merge() { # folder
  (cd "$1" && find . -mindepth 1 -printf '%y %P\n') | while IFS= read -r line; do
    kind=${line%% *} path=${line#* }
    to=$root/$path
    if [ "$kind" = d ] && [ -d "$to" ] && [ ! -L "$to" ]; then continue; fi
    if [ -e "$to" ] || [ -L "$to" ]; then rm -rf "$to"; fi
    case "$kind" in
      d) mkdir "$to" ;;
      f | l) cp -P --preserve=mode "$1/$path" "$to" ;;
      *) echo "error: $1/$path is neither file, folder nor link" >&2; exit 64 ;;
    esac
  done
}

cd /
for folder in dev lib mnt proc root run sys tmp; do mkdir "$root/$folder"; done
merge /out/install
merge "$here/tree"
install -D -m 0755 /out/kdock-agent "$root/usr/sbin/kdock-agent"
[ ! -d /overlay ] || merge /overlay
stage=$(mktemp -d)
trap 'rm -rf "$root" "$stage"' EXIT
for script in /init/*; do
  [ ! -f "$script" ] || install -D -m 0755 "$script" "$stage/etc/kdock/init.d/${script##*/}"
done
if [ "${KDOCK_STRICT:-}" = true ]; then mkdir -p "$stage/etc/kdock"; : > "$stage/etc/kdock/strict"; fi
merge "$stage"

cd "$root"
find . -mindepth 1 -type d -exec chmod 0755 {} +
find . -type f -perm -u+x -exec chmod 0755 {} +
find . -type f ! -perm -u+x -exec chmod 0644 {} +
find . -exec touch --no-dereference --date=@0 {} +
find . -mindepth 1 -printf '%P\n' | LC_ALL=C sort | cpio --quiet -o -H newc --reproducible -R 0:0 > /out/rootfs.cpio.new
mv /out/rootfs.cpio.new /out/rootfs.cpio
echo "==> rootfs.cpio $(stat -c %s /out/rootfs.cpio) bytes"
