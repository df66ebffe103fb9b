/**
 * What `kdock cp` has the guest's shell do; any guest with a POSIX shell, stat and tar will do. Each is run as
 * `sh -c SCRIPT sh ARGUMENT...`.
 */

/** PATH [NAME]: what is there, links followed: one word for PATH, one for PATH/NAME, and one about tar. */
export const LOOK_AT_TARGET = `
kind() {
  if [ -d "$1" ]; then echo directory
  elif [ -f "$1" ]; then echo file
  elif [ -e "$1" ]; then echo special
  elif [ -L "$1" ]; then echo file
  elif [ -d "$(dirname "$1")" ]; then echo nothing
  else echo no-parent; fi
}
kind "$1"
kind "$1/$2"
command -v tar >/dev/null && echo tar || echo no-tar`;

/** files FOLDER [NAME]: "generated" where a file system has files of no size below FOLDER, or in FOLDER/NAME, or else "real". */
const FILES = `
files() {
  d=$(cd "$1" && pwd -P) || return
  d=\${d%/}/\${2:+$2/} longest=0 here=real below=real
  while read -r _ at type _; do
    case $at in *\\\\*) at=$(printf %b "$at") ;; esac
    at=\${at%/}/
    case $type in
      fuse.lxcfs) has=generated ;;
      ext[234] | xfs | btrfs | bcachefs | f2fs | jfs | minix | *fat | msdos | ntfs* | hfs* | iso9660 | udf | squashfs | erofs | cramfs | romfs) has=real ;;
      tmpfs | ramfs | rootfs | devtmpfs | hugetlbfs | overlay | ubifs | jffs2 | 9p | virtiofs | nfs | nfs4 | cifs | smb3 | ceph | fuse*) has=real ;;
      *) has=generated ;;
    esac
    case $d in "$at"*) if [ \${#at} -ge $longest ]; then longest=\${#at} here=$has; fi ;; esac
    case $at in "$d"?*) [ $has = real ] || below=generated ;; esac
  done </proc/mounts
  [ $here = real ] && echo $below || echo generated
}`;

/**
 * PATH: what is there, links not followed; whether there is tar; "generated" for files whose size is unknown before they are
 * read, as in /proc and /sys, also for a folder that has some below; then mode, time and size, or a link's text.
 */
export const LOOK_AT_SOURCE = `${FILES}
case $1 in */) p=$1. ;; *) p=$1 ;; esac
if [ -L "$p" ]; then echo symlink
elif [ -d "$p" ]; then echo directory
elif [ -f "$p" ]; then echo file
elif [ -e "$p" ]; then echo special
else echo nothing; fi
command -v tar >/dev/null && echo tar || echo no-tar
if [ -L "$p" ] || [ ! -r /proc/mounts ]; then echo real
elif [ -d "$p" ]; then files "$p"
else files "\${p%/*}/" "\${p##*/}"; fi
if [ -L "$p" ]; then readlink "$p"; elif [ -e "$p" ]; then stat -c '%a %Y %s' "$p"; fi`;

/** PATH, of a file: "generated" or "real"; one whose folder went away was of a process. */
export const LOOK_AT_FILE = `${FILES}
files "\${1%/*}/" "\${1##*/}" 2>/dev/null || echo generated`;

/** A temporary name beside the target that goes away, whatever happens; $t is its path, and $f the target's. */
const BEHIND_A_NAME = `
t=$1/.kdock-cp-$$ f=$1/$2
trap 'rm -rf "$t"' EXIT
trap 'exit 129' HUP INT TERM`;

/** FOLDER NAME MODE MTIME: stdin becomes the file, when it is whole. */
export const TAKE_FILE = `${BEHIND_A_NAME}
cat >"$t" && chmod "$3" "$t" && touch -d "@$4" "$t" && mv -f "$t" "$f"`;

/** FOLDER NAME: the tar on stdin, which has only NAME at its top, becomes what was not there. */
export const TAKE_TREE = `${BEHIND_A_NAME}
mkdir "$t" && tar -C "$t" -xf - && mv -f "$t/$2" "$f"`;

/** FOLDER NAME TEXT: a symbolic link. */
export const TAKE_LINK = `${BEHIND_A_NAME}
ln -s "$3" "$t" && mv -f "$t" "$f"`;

/** FOLDER: the tar on stdin goes into a folder that is there. */
export const MERGE_TREE = `exec tar -C "$1" -xf -`;

/** PATH of a file. */
export const REMOVE_FILE = `exec rm -f "$1"`;

/** PATH. Not tar: what /proc and /sys have has no size until it is read. */
export const GIVE_FILE = `exec cat "$1"`;

/**
 * Not cat for a kernel's own files: busybox's has the kernel send them, which keeps the pipe locked while a file like
 * trace_pipe waits, and the agent, and with it every command in the guest, waits for the lock.
 */
const READER = `
if dd if=/dev/null bs=1 status=none 2>/dev/null; then read="dd bs=65536 status=none if="; else read="cat "; fi`;

/** PATH, of a kernel's own files. */
export const GIVE_GENERATED_FILE = `${READER}
exec $read"$1"`;

/**
 * FOLDER: what is in it, where sizes say nothing. First a line for everything ("MODE TIME LINKS DEVICE:INODE SIZE PATH//"), then
 * for each file and link the token, PATH//, a line's end, its content or text, the token, "=", an exit code and a line's end;
 * at last the token and "!". The token comes on stdin, a line for each shell that asks: what is copied may be the very
 * arguments and variables of this script. The number of the shell whose children read the files is the word before PATH.
 */
export const GIVE_GENERATED = `
IFS= read -r token
cd "$1" || exit
command -v find >/dev/null || { echo "the guest has no find, which copying such a folder takes" >&2; exit 1; }
find . -exec stat -c '%f %Y %h %d:%i %s %n//' {} + 2>/dev/null
find . ! -type d -exec sh -c '
IFS= read -r token
${READER}
for f do
  [ -f "$f" ] || [ -L "$f" ] || continue
  printf "%s%s %s//\\n" "$token" $$ "$f"
  if [ -L "$f" ]; then readlink "$f" 2>&1; else $read"$f" 2>&1; fi
  printf "%s=%s\\n" "$token" $?
done' sh {} +
printf '%s!' "$token"`;

/** PID: ends what this shell waits for. */
export const END_CHILDREN = `
for stat in /proc/[0-9]*/stat; do
  read -r pid _ _ parent _ <"$stat" && [ "$parent" = "$1" ] && kill -9 "$pid"
done 2>/dev/null
exit 0`;

/** FOLDER: a tar of what is in it, below ".". */
export const GIVE_TREE = `exec tar -C "$1" -cf - .`;
