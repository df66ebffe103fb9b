# shellcheck shell=sh
# archives.sh — sourced by install.sh and resolve.sh: which archives apt asks. All of it is said to apt through a
# configuration in $TMPDIR, because an /etc/apt that is changed, even for a moment, becomes part of the layer.
#
#   MIRROR         a Debian mirror to ask instead of those that the base image names
#   SNAPSHOT       20261123T033000Z: the moment at which the pinned versions were the current ones
#   SNAPSHOT_URL   a snapshot archive's address with @SNAPSHOTID@ in it; empty: apt finds Debian's, where apt can

work=${TMPDIR:-/tmp}/kdock-work
mkdir -p "$work/parts" "$work/lists.d" /var/lib/apt/lists/partial /var/cache/apt/archives/partial
# shellcheck source=/dev/null
suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
export APT_CONFIG="$work/apt.conf" DEBIAN_FRONTEND=noninteractive LC_ALL=C

# Docker's images delete downloaded packages at once: here /var/cache/apt is a cache mount, which costs no layer and
# saves the next build a download.
cp /etc/apt/apt.conf.d/* "$work/parts/"
rm -f "$work/parts/docker-clean"
cat > "$APT_CONFIG" <<EOF
Dir::Etc::Parts "$work/parts";
Dir::Etc::SourceList "$work/none.list";
Dir::Etc::SourceParts "$work/lists.d";
APT::Keep-Downloaded-Packages "true";
APT::Install-Recommends "false";
Acquire::Languages "none";
Dpkg::Use-Pty "0";
Dpkg::Options { "--force-unsafe-io"; };
EOF

# shellcheck source=images/apt/debian.sh
. "$(dirname "$0")/debian.sh"

# To be called before apt asks its archives: packages of another architecture than this machine's ("musl-dev:amd64") need
# the lists of that one.
allow_foreign() { # packages, with or without a version behind them
  for package in "$@"; do
    case "${package%%=*}" in *:*) package=${package%%=*}; dpkg --add-architecture "${package#*:}" ;; esac
  done
}

if [ -n "${MIRROR:-}" ]; then
  suite_lines "$MIRROR" "$suite" > "$work/lists.d/mirror.list"
else
  [ ! -e /etc/apt/sources.list ] || cp /etc/apt/sources.list "$work/lists.d/"
  find /etc/apt/sources.list.d -type f -exec cp -t "$work/lists.d" {} +
fi

# One name to a line; after it may stand the only suite that it is for, or "!" and the one that it is not for, or
# "<" and the one that all take it from. kdock reads these lists as well.
package_list() {
  awk -v suite="$suite" '{ sub(/#.*/, "") } NF == 1 || $2 ~ /^</ || $2 == suite || ($2 ~ /^!/ && $2 != "!" suite) { print $1 }' "$1"
}

# To be called before apt asks its archives: the suites that these lists borrow from are asked, too. apt takes from them what
# is borrowed and nothing else, not even where a borrowed package would need it.
borrow() { # lists
  awk -v suite="$suite" '{ sub(/#.*/, "") } $2 ~ /^</ && $2 != "<" suite { print $1, substr($2, 2) }' "$@" \
    < /dev/null > "$work/borrowed"
  [ -s "$work/borrowed" ] || return 0
  lender_lines "${MIRROR:-$(asked_mirror)}" > "$work/lists.d/lenders.list"
  {
    for lender in $(lenders); do allow '*' "$lender" -1; done
    while read -r package lender; do allow "$package" "$lender" 500; done < "$work/borrowed"
  } > "$work/preferences"
  echo "Dir::Etc::Preferences \"$work/preferences\";" >> "$APT_CONFIG"
}

lenders() { cut -d' ' -f2 "$work/borrowed" | sort -u; }

asked_mirror() {
  apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE)' | awk -v s="$suite" '$2 == s { print $1; exit }'
}

allow() { # package, suite, apt's priority
  printf 'Package: %s\nPin: release n=%s\nPin-Priority: %s\n\n' "$@"
}

lender_lines() { # address, apt's options
  for lender in $(lenders); do archive_line "$1" "$lender" "${2:-}"; done
}

# "PACKAGE VERSION" for all that may be installed, newest first. A package of another architecture has its name behind it,
# here and below.
available() { # packages
  apt-cache madison "$@" 2> /dev/null | awk -v own="$(dpkg --print-architecture)" '
    !archives { lends[$2]; borrowed[$1, $2]; next }
    { split($6, from, "/") }
    !(from[1] in lends) || ($1, from[1]) in borrowed { print $1 ($7 == own ? "" : ":" $7), $3 }' "$work/borrowed" archives=1 -
}

# "PACKAGE VERSION" for everything that is there; what was removed but for its configuration is not.
installed() {
  dpkg-query -W -f '${db:Status-Abbrev} ${Package}:${Architecture} ${Version}\n' |
    sed -n "/^ii/{ s/^ii *//; s/:$(dpkg --print-architecture) / /; s/:all / /; p; }"
}

# "PACKAGE VERSION" for everything that these arguments of `apt-get install` would put on or raise.
simulated() {
  apt-get install -s -q "$@" > "$work/simulation" || return
  sed -n 's/^Inst \([^ ]*\)\( \[[^]]*\]\)\{0,1\} (\([^ ]*\) .*/\1 \3/p' "$work/simulation" |
    sed "s/:$(dpkg --print-architecture) / /"
}
