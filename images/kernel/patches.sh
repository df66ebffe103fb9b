#!/bin/sh
# patches.sh — makes /src what /in/patches asks for: the tree as it came plus *.patch (-p1), in the order of their names.
# git applies them: lines may have moved, but each must be there as the patch has it; nothing is guessed (no fuzz).
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
  if there "/src/$1"; then
    cp -pP "/src/$1" "$work/kept"
    mv "$work/kept" "$pristine/$1"
  else
    : > "$pristine/$1.kdock-absent"
  fi
}

copy() { # from, to
  mkdir -p "$(dirname "$2")"
  cp -pP "$1" "$2"
}

# What is not to be kept of a failed run is the copies; the tree has not been touched.
refuse() { # patch
  echo "error: the patch $(basename "$1" | sed 's/^[0-9]\{4\}-//') does not apply to $(sed -n 's/^origin //p' /src/.kdock-source):" >&2
  # The hunks that failed are shown whole, so git's own excerpt of each is left out.
  sed -e '/^error: while searching for:$/,/^error: patch failed:/ { /^error: patch failed:/!d }' \
    -e '/^Checking patch/d' -e '/: patch does not apply$/d' -e '/^Hunk #/d' -e 's/^error: //' \
    -e 's/^\(No valid patches in input\|unrecognized input\).*/there is no patch in it/' "$work/log" |
    while IFS= read -r line; do
      echo "  $line"
      case "$line" in
        'patch failed: '*) place=${line#patch failed: }; hunk "$work/patch" "${place%:*}" "${place##*:}" ;;
      esac
    done >&2
  rm -rf "$work"
  exit 64
}

# One hunk of a patch: that of this file which begins at this line of it.
hunk() { # patch, file, line
  awk -v name="$2" -v line="$3" '
    /^--- / { old = $2; sub("^[^/]*/", "", old) }
    /^\+\+\+ / { new = $2; sub("^[^/]*/", "", new) }
    /^(diff|--- )/ { inside = 0 }
    /^@@ / { split($2, from, /[-,]/); inside = (old == name || new == name) && from[2] == line }
    inside { print "    " $0 }' "$1"
}

# Mail and editors turn line ends to CR LF, as a rule all of them: such a patch means a file of the kernel, which has none.
plain_lines() { # patch
  if grep -qv "$(printf '\r')\$" "$1"; then cat "$1"; else tr -d '\r' < "$1"; fi
}

apply() {
  for patch in "$patches"/*.patch; do
    [ -e "$patch" ] || continue
    echo "==> patch: $(basename "$patch")"
    plain_lines "$patch" > "$work/patch"
    # The tree may lie in a user's repository, which git must not use.
    (cd "$tree" && env -u GIT_DIR GIT_CEILING_DIRECTORIES="$work" git apply -p1 --verbose --whitespace=nowarn "$work/patch") \
      > "$work/log" 2>&1 || refuse "$patch"
  done
}

there() { [ -f "$1" ] || [ -L "$1" ]; }
same() { [ "$(readlink "$1")" = "$(readlink "$2")" ] && [ "$(stat -c %f "$1")" = "$(stat -c %f "$2")" ] && cmp -s "$1" "$2"; }

# One file of /src becomes what the series says: $tree has it, or has it no more.
install() { # path
  if there "$tree/$1"; then
    ! there "/src/$1" || ! same "$tree/$1" "/src/$1" || return 0
    mkdir -p "/src/$(dirname "$1")"
    # A new time, whatever time it had: to make this is another file.
    cp --no-dereference --preserve=mode,links "$tree/$1" "$work/new"
    mv "$work/new" "/src/$1"
  elif there "/src/$1"; then
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
all() { (cd "$pristine" && find . \( -type f -o -type l \) -printf '%P\n') | sort; }
all | while IFS= read -r path; do
  case "$path" in
    *.kdock-absent) ;;
    *) copy "$pristine/$path" "$tree/$path" ;;
  esac
done
apply
# What a patch made under a name that was not foreseen above must not get lost either.
(cd "$tree" && find . \( -type f -o -type l \) -printf '%P\n') | while IFS= read -r path; do keep "$path"; done

rm -f "$state/series"
all | sed 's/\.kdock-absent$//' | while IFS= read -r path; do install "$path"; done
rm -rf "$work"
if [ -z "$wanted" ]; then
  # Nothing is applied: the tree is as it came again, and need not be looked at the next time.
  rm -rf "$state"
  echo "==> patch: none any more"
else
  echo "$wanted" > "$state/series.new"
  mv "$state/series.new" "$state/series"
fi
