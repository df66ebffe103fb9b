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

/** PATH: what is there, links not followed, whether there is tar, then mode, time and size, or a link's text. */
export const LOOK_AT_SOURCE = `
case $1 in */) p=$1. ;; *) p=$1 ;; esac
if [ -L "$p" ]; then echo symlink
elif [ -d "$p" ]; then echo directory
elif [ -f "$p" ]; then echo file
elif [ -e "$p" ]; then echo special
else echo nothing; fi
command -v tar >/dev/null && echo tar || echo no-tar
if [ -L "$p" ]; then readlink "$p"; elif [ -e "$p" ]; then stat -c '%a %Y %s' "$p"; fi`;

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

/** PATH. Not tar: what /proc and /sys have has no size until it is read. */
export const GIVE_FILE = `exec cat "$1"`;

/** FOLDER: a tar of what is in it, below ".". */
export const GIVE_TREE = `exec tar -C "$1" -cf - .`;
