# shellcheck shell=sh
# source-debian.sh — debian:X.Y, for source.sh: Debian's package linux-source-X.Y. Resolving takes apt and coreutils only,
# as a bare Debian has them, and downloads nothing:
#
#   @kdock source kernel PACKAGE VERSION SUITE SHA256 debian:FINGERPRINT[,FINGERPRINT...]
#
#   KDOCK_SOURCE_VERSION, KDOCK_SOURCE_SHA256   exactly this version of the package, and the .deb's checksum
#   KDOCK_SNAPSHOT       20261123T033000Z: the moment at which that version was the current one
#   KDOCK_SNAPSHOT_URL   a snapshot archive's address with @SNAPSHOTID@ in it; empty: apt finds Debian's, where apt can
#   KDOCK_MIRROR         a Debian mirror to ask instead of those that the image names
#
# apt verifies the package against the archive's signature.
# shellcheck disable=SC2086,SC2154 # $apt is a list of options on purpose; the caller's words
package=linux-source-${spec#debian:}
# In the image it lies beside this script.
# shellcheck source=images/apt/debian.sh
if [ -e "$here/debian.sh" ]; then . "$here/debian.sh"; else . "$here/../apt/debian.sh"; fi
wanted=${KDOCK_SOURCE_VERSION:-}
wanted_sha256=${KDOCK_SOURCE_SHA256:-}

# A marker that does not say what is pinned (there are old ones that say less) does not hold it.
already_there() {
  { [ -z "$wanted" ] || [ "$(marked version)" = "$wanted" ]; } &&
    { [ -z "$wanted_sha256" ] || [ "$(marked deb-sha256)" = "$wanted_sha256" ]; }
}

# apt in a state directory of our own: no root needed, and nothing in the image is touched.
prepare_apt() {
  mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/etc/apt/sources.list.d"
  cp -r /etc/apt/. "$work/etc/apt/"
  export TMPDIR="$work"
  apt="-o Dir::Etc=$work/etc/apt -o Dir::State=$work/state -o Dir::Cache=$work/cache -o Debug::NoLocking=1
    -o APT::Sandbox::User= -o Acquire::Languages=none"
  lists=$work/etc/apt/sources.list.d
  # shellcheck source=/dev/null
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
  [ -n "${KDOCK_MIRROR:-}" ] || return 0
  rm -rf "$work/etc/apt/sources.list" "$lists"
  mkdir "$lists"
  suite_lines "$KDOCK_MIRROR" "$suite" > "$lists/mirror.list"
}

# By its exact name: apt takes a name that it does not know for a pattern, and 6.1 would match 6.12.
known() { apt-cache $apt pkgnames "$package" | grep -qxF "$package"; }
# Newest first.
versions() { ! known || apt-cache $apt madison "$package" | awk '!seen[$3]++ { print $3 }'; }
found() {
  if [ -n "$wanted" ]; then versions | grep -qxF "$wanted"; else known; fi
}

# Newer kernels come through backports; older ones, asked for with a newer compiler, through their own suite. All of
# them are on the mirror that apt's own configuration names.
look_elsewhere() {
  mirror=${KDOCK_MIRROR:-$(apt-get $apt indextargets --format '$(REPO_URI) $(RELEASE)' | awk -v s="$suite" '$2 == s { print $1; exit }')}
  for other in "$suite-backports" trixie bookworm bullseye; do
    [ "$other" != "$suite" ] || continue
    echo "==> source: not there, looking in $other"
    suite_lines "$mirror" "$other" >> "$lists/other.list"
    apt-get $apt update -q || true
    ! found || return 0
  done
}

# As in images/apt/install.sh, but for any suite, because the kernel may be of another one than the image.
look_in_snapshots() {
  plain=$apt
  for id in $(snapshot_ids "$KDOCK_SNAPSHOT"); do
    echo "==> source: the mirror has moved on: asking the snapshot of $id"
    if [ -n "${KDOCK_SNAPSHOT_URL:-}" ]; then
      address=$(snapshot_address "$KDOCK_SNAPSHOT_URL" "$id")
      for release in $(printf '%s\n' "$suite" trixie bookworm bullseye | awk '!seen[$0]++'); do
        suite_lines "$address" "$release" check-valid-until=no
      done > "$lists/snapshot.list"
    elif knows_snapshots; then
      # For apt-cache as well, which would not look at the lists of a snapshot otherwise.
      apt="$plain -o APT::Snapshot=$id"
    else
      echo "    this apt knows of no snapshot archive: give one (images.snapshot)"
      break
    fi
    apt-get $apt $quick update -q > "$work/update.log" 2>&1 || true
    ! found || return 0
    sed -n 's/^[EW]: /    /p' "$work/update.log" | head -n 3
    grep -q ' 404 ' "$work/update.log" || break
  done
  apt=$plain
}

no_such_package() {
  echo "error: no package $package in the Debian suites that were asked. There are:" >&2
  apt-cache $apt search --names-only '^linux-source-[0-9]' | sed 's/^linux-source-\([^ ]*\).*/  debian:\1/' | sort -uV >&2
  exit 64
}

gone() { # the version that there is, sentence
  drift "$package" "$wanted" "$1" "$2"
}

look() {
  echo "==> source: looking for $package${wanted:+ $wanted}"
  apt-get $apt update -q
  found || look_elsewhere
  if [ -n "$wanted" ] && ! found && [ -n "${KDOCK_SNAPSHOT:-}" ]; then look_in_snapshots; fi
  found && return
  available=$(versions | head -n 1)
  [ -n "$wanted" ] || no_such_package
  gone "${available:-none}" "$package $wanted, which the lock names, cannot be had from the Debian archives that were asked${available:+; they have $available}"
}

# One field of the record of one version.
record() { # field, version
  apt-cache $apt show "$package=$2" | sed -n "s/^$1: //p" | head -n 1
}

# What the archive's signature vouches for, before anything is downloaded.
check_sum() { # version
  deb_sha256=$(record SHA256 "$1")
  [ "${wanted_sha256:-$deb_sha256}" = "$deb_sha256" ] ||
    gone "$1" "$package $1 is not the one that the lock names: its sha256 is $deb_sha256, not $wanted_sha256"
}

resolve() {
  prepare_apt
  look
  version=$(apt-cache $apt policy "$package" | sed -n 's/^  Candidate: //p')
  from=$(apt-cache $apt madison "$package" | awk -v v="$version" '$3 == v { sub("/.*", "", $6); print $6; exit }')
  signed=$(signers "$(ls "$work"/state/lists/*_dists_"$from"_InRelease | head -n 1)" | paste -sd,)
  echo "@kdock source kernel $package $version $from $(record SHA256 "$version") debian:$signed"
}

fetch() {
  prepare_apt
  look
  version=${wanted:-$(apt-cache $apt policy "$package" | sed -n 's/^  Candidate: //p')}
  check_sum "$version"
  (cd "$work" && apt-get $apt download "$package=$version")
  deb=$(ls "$work"/*.deb)
  echo "$deb_sha256  $deb" | sha256sum --check --quiet
  echo "@kdock phase unpack"
  echo "==> source: unpacking $(basename "$deb")"
  dpkg-deb --fsys-tarfile "$deb" | tar -xf - -C "$work" --wildcards './usr/src/*.tar.*'
  tarball=$(ls "$work"/usr/src/*.tar.*)
  tar -xf "$tarball" -C "$work/tree" --strip-components=1 --no-same-owner
  fact "origin $(basename "$deb" .deb)"
  fact "package $package"
  fact "version $version"
  fact "deb-sha256 $deb_sha256"
  fact "sha256 $(sha256sum "$tarball" | cut -d' ' -f1)"
}
