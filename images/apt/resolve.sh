#!/bin/sh
# resolve.sh NAME LIST [PACKAGE... | toolchain:gcc-14 | cross:gcc-14,aarch64-linux-gnu,arm64] [-- NAME LIST ...]... — runs as root in a throw-away container of
# the base image: which package versions would each of these images get today? Installs nothing. On stdout, sorted:
#
#   @kdock archive SUITE DATE FINGERPRINT[,FINGERPRINT...]   the archives that were asked, and the keys that vouch for them
#   @kdock installed PACKAGE VERSION                         what the base has
#   @kdock package NAME PACKAGE VERSION                      what the image NAME adds or upgrades: install.sh's PINS
#
# archives.sh says what else it reads. Exit code: 64 when a package is unknown, 1 when an archive cannot be asked.
set -eu
here=$(dirname "$0")
# shellcheck source=images/apt/archives.sh
. "$here/archives.sh"

: > "$work/facts"
fact() { echo "@kdock $*" >> "$work/facts"; }

archives() {
  for file in /var/lib/apt/lists/*_InRelease; do
    field() { sed -n "s/^$1: *//p" "$file" | head -n 1; }
    # apt's own log has the keys that it accepted: one that only another source may use is not among them.
    keys=$(signers "$file" | while read -r key; do ! grep -q "$key" "$work/update.log" || echo "$key"; done | paste -sd,)
    fact "archive $(field Codename) $(date -u -d "$(field Date)" +%Y-%m-%dT%H:%M:%SZ) $keys"
  done
}

# The packages that a word of the command line stands for.
named() { # word
  case "$1" in
    toolchain:*) sh "$here/toolchain-packages.sh" "${1#toolchain:}" ;;
    cross:*)
      # shellcheck disable=SC2046 # three words
      sh "$here/cross-packages.sh" $(echo "${1#cross:}" | tr , ' ') ;;
    *) echo "$1" ;;
  esac
}

group() { # name, list, packages...
  name=$1
  list=$2
  shift 2
  wanted=$(package_list "$list" | xargs)
  for package in "$@"; do wanted="$wanted $(named "$package")"; done
  # shellcheck disable=SC2086 # a list of names on purpose
  if ! simulated $wanted > "$work/found" 2> "$work/simulation.err"; then
    echo "error: the packages of $name cannot be installed on Debian $suite:" >&2
    sed -n 's/^E: /  /p' "$work/simulation.err" >&2
    exit 64
  fi
  while read -r package version; do fact "package $name $package $version"; done < "$work/found"
}

lists=
for word in "$@"; do [ ! -f "$word" ] || lists="$lists $word"; done
# shellcheck disable=SC2086 # paths of ours, without spaces
borrow $lists
for word in "$@"; do
  # shellcheck disable=SC2046 # a list of packages on purpose
  case "$word" in cross:*) allow_foreign $(named "$word") ;; esac
done

if ! apt-get update -q --error-on=any -o Debug::Acquire::gpgv=1 -o Debug::Acquire::sqv=1 > "$work/update.log" 2>&1; then
  echo "error: the Debian archives could not be asked:" >&2
  sed -n 's/^[EW]: /  /p' "$work/update.log" >&2
  exit 1
fi
archives
installed | while read -r line; do fact "installed $line"; done

while [ $# -gt 0 ]; do
  arguments=
  while [ $# -gt 0 ] && [ "$1" != -- ]; do
    arguments="$arguments $1"
    shift
  done
  [ $# -eq 0 ] || shift
  # shellcheck disable=SC2086 # neither names nor paths of ours hold spaces
  group $arguments
done
sort "$work/facts"
