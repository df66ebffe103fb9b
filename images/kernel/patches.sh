#!/bin/sh
# patches.sh — makes /src what /in/patches asks for: Debian's tree plus *.patch (-p1), in the order of their names.
#
# The files that patches touch are kept as they were in /src/.kdock-patches/pristine, and what is applied is listed in
# /src/.kdock-patches/series. A series is applied to copies of the pristine files; only when all of it has applied are
# the files in /src replaced that really differ, so that make compiles no more than it has to, a patch that does not
# apply changes nothing, and an interrupted run is made good by the next one: the list is removed before the first
# replacement and written after the last.
#
# Exit code 64: a patch does not apply.
set -eu
umask 022
export LC_ALL=C
patches=${KDOCK_PATCHES:-/in/patches}
state=/src/.kdock-patches
pristine=$state/pristine
work=$state/work
tree=$work/tree

# The usual case.
[ -d "$state" ] || ls "$patches"/*.patch > /dev/null 2>&1 || exit 0

series() {
  for patch in "$patches"/*.patch; do
    [ ! -e "$patch" ] || echo "$(sha256sum < "$patch" | cut -d' ' -f1) $(basename "$patch")"
  done
}
wanted=$(series)
[ ! -e "$state/series" ] || [ "$wanted" != "$(cat "$state/series")" ] || exit 0

# The paths that a patch may mean, below its first folder: rather too many (a removed line may begin with "-- ") than
# too few. What leads out of the tree is none.
touched() {
  for patch in "$patches"/*.patch; do
    [ ! -e "$patch" ] || cat "$patch"
  done | tr -d '\r' | sed -n \
    -e 's,^\(---\|+++\) [^/[:space:]]*/\([^[:space:]]*\).*,\2,p' \
    -e 's,^diff --git [^/ ]*/\([^ ]*\) [^/ ]*/\([^ ]*\)$,\1\n\2,p' \
    -e 's,^\(rename\|copy\) \(from\|to\) \(.*\),\3,p' |
    grep -v -e '^/' -e '^\.\./' -e '/\.\./' -e '/\.\.$' -e '^dev/null$' -e '^\.kdock' | sort -u
}

# The file as it is without patches, if there is one: kept before it is touched for the first time.
keep() { # path
  [ ! -e "$pristine/$1" ] && [ ! -e "$pristine/$1.kdock-absent" ] || return 0
  mkdir -p "$pristine/$(dirname "$1")"
  if [ -f "/src/$1" ]; then
    cp -p "/src/$1" "$work/kept"
    mv "$work/kept" "$pristine/$1"
  else
    : > "$pristine/$1.kdock-absent"
  fi
}

copy() { # from, to
  mkdir -p "$(dirname "$2")"
  cp -p "$1" "$2"
}

# What is not to be kept of a failed run is the copies; the tree has not been touched.
refuse() { # patch
  echo "error: the patch $1 does not apply to $(sed -n 's/^origin //p' /src/.kdock-source):" >&2
  sed 's/^/  /' "$work/log" >&2
  rm -rf "$work"
  exit 64
}

apply() {
  for patch in "$patches"/*.patch; do
    [ -e "$patch" ] || continue
    echo "==> patch: $(basename "$patch")"
    patch -p1 -d "$tree" --batch --forward --no-backup-if-mismatch --reject-file=- < "$patch" > "$work/log" 2>&1 ||
      refuse "$(basename "$patch")"
    # It counts a patch without a single hunk as applied.
    [ -s "$work/log" ] || { echo "there is nothing in it that patch understands" > "$work/log"; refuse "$(basename "$patch")"; }
  done
}

# One file of /src becomes what the series says: $tree has it, or has it no more.
install() { # path
  if [ -f "$tree/$1" ]; then
    [ ! -f "/src/$1" ] || ! cmp -s "$tree/$1" "/src/$1" || return 0
    mkdir -p "/src/$(dirname "$1")"
    # A new time, whatever time it had: to make this is another file.
    cp --preserve=mode "$tree/$1" "$work/new"
    mv "$work/new" "/src/$1"
  elif [ -e "/src/$1" ]; then
    rm "/src/$1"
    rmdir -p --ignore-fail-on-non-empty "/src/$(dirname "$1")" 2> /dev/null || true
  fi
}

echo "@kdock phase patch"
rm -rf "$work"
mkdir -p "$pristine" "$tree"
# A tree from before its marker said so: once the Makefile is patched its time says nothing any more.
grep -q '^epoch ' /src/.kdock-source || echo "epoch $(stat -c %Y /src/Makefile)" >> /src/.kdock-source

touched | while IFS= read -r path; do
  [ ! -d "/src/$path" ] || continue
  keep "$path"
done
# All that any series has ever touched, not only this one: the rest goes back to what it was.
all() { (cd "$pristine" && find . -type f -printf '%P\n') | sort; }
all | while IFS= read -r path; do
  case "$path" in
    *.kdock-absent) ;;
    *) copy "$pristine/$path" "$tree/$path" ;;
  esac
done
apply
# What a patch made under a name that was not foreseen above must not get lost either.
(cd "$tree" && find . -type f -printf '%P\n') | while IFS= read -r path; do keep "$path"; done

rm -f "$state/series"
all | sed 's/\.kdock-absent$//' | while IFS= read -r path; do install "$path"; done
rm -rf "$work"
if [ -z "$wanted" ]; then
  # Nothing is applied: the tree is Debian's again, and need not be looked at the next time.
  rm -rf "$state"
  echo "==> patch: none any more"
else
  echo "$wanted" > "$state/series.new"
  mv "$state/series.new" "$state/series"
fi
