#!/bin/sh
# install.sh LIST [PACKAGE...] — runs inside `docker build`: installs the Debian packages that the file LIST and the
# arguments name, and leaves nothing in the layer that depends on when or from which mirror it was built.
#
#   PINS   "package=version ...": exactly these are installed, dependencies included. Versions that are nowhere to be
#          had are reported as "@kdock drift PACKAGE LOCKED AVAILABLE", and the exit code is 65.
#
# archives.sh says what else it reads. $TMPDIR and /var/lib/apt/lists are expected to be mounts.
set -eu
here=$(dirname "$0")
# shellcheck source=images/apt/archives.sh
. "$here/archives.sh"
sh "$here/begin-layer.sh"

list=$1
shift
wanted="$(package_list "$list" | xargs) $*"
borrow "$list"
# shellcheck disable=SC2086 # lists of words on purpose
allow_foreign $wanted ${PINS:-}

# What cannot be had, as "PACKAGE LOCKED AVAILABLE" lines. An installed package needs no archive.
missing() {
  {
    installed | sed 's/^/installed /'
    # shellcheck disable=SC2046,SC2086 # lists of words on purpose
    available $(printf '%s\n' $PINS | sed 's/=.*//') | sed 's/^/available /'
    # shellcheck disable=SC2086
    printf 'pin %s\n' $PINS | sed 's/=/ /'
  } | awk '
    $1 != "pin" { has[$2, $3]; if ($1 == "available" && !($2 in newest)) newest[$2] = $3; next }
    !(($2, $3) in has) { print $2, $3, ($2 in newest) ? newest[$2] : "none" }'
}

find_in_snapshots() {
  for id in $(snapshot_ids "$SNAPSHOT"); do
    echo "==> the mirror has moved on: asking the snapshot of $id"
    if [ -n "${SNAPSHOT_URL:-}" ]; then
      address=$(snapshot_address "$SNAPSHOT_URL" "$id")
      {
        suite_lines "$address" "$suite" check-valid-until=no
        lender_lines "$address" check-valid-until=no
      } > "$work/lists.d/snapshot.list"
    elif knows_snapshots; then
      # What is pinned may be as old as it is: its archive's signature counts, and not that it has expired.
      printf 'APT::Snapshot "%s";\nAcquire::Check-Valid-Until "false";\n' "$id" >> "$APT_CONFIG"
    else
      echo "    this apt knows of no snapshot archive: give one (images.snapshot)"
      return
    fi
    # shellcheck disable=SC2086,SC2154 # options on purpose; debian.sh's
    apt-get $quick update -q > "$work/update.log" 2>&1 || true
    [ -n "$(missing)" ] || return 0
    sed -n 's/^[EW]: /    /p' "$work/update.log" | head -n 3
    # A server that does not answer will not answer the next question either.
    if grep -q '^[EW]: ' "$work/update.log" && ! grep -q ' 404 ' "$work/update.log"; then return; fi
  done
}

# What would come along without being pinned, in lines as above: it would be another version tomorrow.
unpinned() {
  # shellcheck disable=SC2086
  simulated --allow-downgrades $PINS | while read -r name version; do
    case " $PINS " in *" $name="*) ;; *) echo "$name none $version" ;; esac
  done
}

drift() {
  [ -n "$1" ] || return 0
  echo "$1" | sed 's/^/@kdock drift /'
  echo "error: $(echo "$1" | wc -l) of the locked package versions cannot be had from the Debian archives that were asked" >&2
  exit 65
}

# Where versions are pinned, a mirror that does not answer is one that lacks them.
apt-get update -q || [ -n "${PINS:-}" ]
if [ -n "${PINS:-}" ]; then
  gone=$(missing)
  if [ -n "$gone" ] && [ -n "${SNAPSHOT:-}" ]; then
    find_in_snapshots
    still=$(missing | sed 's/^/^/; s/[^ ]*$//')
    # In the mirror's words: what a snapshot has instead says nothing of today.
    if [ -n "$still" ]; then gone=$(echo "$gone" | grep "$still"); else gone=; fi
  fi
  drift "$gone"
  drift "$(unpinned)"
  wanted=$PINS
fi
# shellcheck disable=SC2086
apt-get install -qy --allow-downgrades $wanted
