# shellcheck shell=sh disable=SC2164 # source.sh has set -e
# source-path.sh — path:FOLDER: a tree of the user's, for source.sh. kdock says in /in/source what it holds, and either has
# it mounted at /src, read only, or has just copied to /src what changed there:
#
#   /in/tree.changed  what was copied            /in/tree.gone  what is to be removed, if kdock knew what was there
#   /in/tree.all      what there is, if it did not            paths end with NUL
#
#   /src/.kdock-tree/digest   of what is in a copy; empty while one is on its way
#
# Exit code 66: the tree that is mounted is not the one that kdock has read.
# shellcheck disable=SC2154 # the caller's words
given=/in/source
tree=/src/.kdock-tree
told() { sed -n "s/^$1 //p" "$given"; }

if [ ! -e "$given" ]; then
  echo "error: a tree of yours is built by the kdock command, which knows where it lies" >&2
  exit 64
fi

# Whatever was patched is the user's again, and patches.sh starts from there.
renew_pristine() {
  [ -d /src/.kdock-patches ] || return 0
  rm -f /src/.kdock-patches/series
  cd /src/.kdock-patches/pristine
  xargs -0 -r sh -c 'for path; do rm -f "$path" "$path.kdock-absent"; done' sh < /in/tree.changed
  if [ -e /in/tree.gone ]; then
    xargs -0 -r sh -c 'for path; do rm -f "$path"; done' sh < /in/tree.gone
  fi
  cd /src
}

remove_listed() {
  xargs -0 -r rm -f -- < "$1"
  # Folders that are empty now.
  xargs -0 -r -n 1 dirname < "$1" | sort -u | xargs -r rmdir -p --ignore-fail-on-non-empty 2> /dev/null || true
}

remove_others() {
  find . \( -path ./.kdock-tree -o -path ./.kdock-patches -o -path ./.kdock-source \) -prune -o \
    \( -type f -o -type l \) -printf '%P\0' | LC_ALL=C sort -z > /tmp/there
  LC_ALL=C sort -z /in/tree.all | LC_ALL=C comm -z -23 /tmp/there - > /tmp/gone
  rm -rf /src/.kdock-patches
  remove_listed /tmp/gone
}

take_copy() {
  cd /src
  rm -f "$marker"
  if [ -e /in/tree.all ]; then remove_others; fi
  if [ -e /in/tree.gone ]; then remove_listed /in/tree.gone; fi
  if [ -e /in/tree.changed ]; then
    renew_pristine
    # By this machine's clock, which dates the objects as well.
    xargs -0 -r touch --no-dereference -- < /in/tree.changed
  fi
  mkdir -p "$tree"
  told tree > "$tree/digest.new"
  mv "$tree/digest.new" "$tree/digest"
  cp "$given" "$marker.new"
  mv "$marker.new" "$marker"
}

case "$(told transport)" in
  mount)
    [ "$(sha256sum < /src/Makefile 2> /dev/null | cut -d' ' -f1)" = "$(told makefile)" ] || exit 66
    ;;
  copy) take_copy ;;
esac
echo "==> source: $(told origin)"
exit 0
