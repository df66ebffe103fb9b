#!/bin/sh
# source.sh release:X.Y.Z — puts the busybox source into /src, once: /src/.kdock-source says what is there.
# source.sh --resolve release:X.Y.Z — prints "@kdock source busybox VERSION SHA256 SIGNER": which tarball that is, and on
# whose word. With a known checksum that takes a shell and no more, also in a bare Debian container.
#
# A tarball is trusted for its checksum (KDOCK_SHA256, or the file sha256sums), and from then on only that one will do; where
# none is known, for its signature, which is upstream's or by a key in /in/keys. Tried in this order: the mirrors in
# KDOCK_MIRRORS, busybox.net, and Debian's source package, whose orig tarball is upstream's file and which the archive's
# signature vouches for. Also without a checksum Debian is the last: the tarball is a quarter of a suite's index, of
# which there may be four to look through; and the build needs it in any case, so that it is kept.
# KDOCK_MIRROR is the Debian mirror to ask instead of the one that the image's apt names.
#
# Exit code 64: there is no such version, or no known key has signed it. 69: no mirror can be reached. 1: the file found is
# not the expected one.
set -eu
umask 022
lib=$(dirname "$0")
resolving=
if [ "$1" = --resolve ]; then
  resolving=1
  shift
fi
spec=$1

version=${spec#release:}
case "$spec" in
  release:*[!0-9.]* | release:) known_form= ;;
  release:*) known_form=1 ;;
  *) known_form= ;;
esac
[ -n "$known_form" ] || { echo "error: cannot fetch '$spec': the builder knows release:X.Y.Z" >&2; exit 64; }

file=busybox-$version.tar.bz2
wanted_sha256=${KDOCK_SHA256:-$(sed -n "s/^\([0-9a-f]\{64\}\)  $file\$/\1/p" "$lib/sha256sums")}

told() { sed -n "s/^$1 //p" /src/.kdock-source 2>/dev/null; }
# What was fetched under another checksum, before the lock was moved or the user changed it, is not what is wanted.
if [ -z "$resolving" ] && [ "$(told spec)" = "$spec" ] && [ "$(told sha256)" = "${wanted_sha256:-$(told sha256)}" ]; then
  echo "==> source: $(told origin) (already there)"
  exit 0
fi

if [ -n "$resolving" ]; then
  signer=
  if [ -n "${KDOCK_SHA256:-}" ]; then signer=pinned:kdock.yaml
  elif [ -n "$wanted_sha256" ]; then signer=pinned:kdock
  elif [ "$(told spec)" = "$spec" ]; then signer=$(told signed-by) wanted_sha256=$(told sha256)
  fi
  if [ -n "$signer" ]; then
    echo "@kdock source busybox $version $wanted_sha256 $signer"
    exit 0
  fi
  wanted_sha256=
fi

# In the image it lies beside this script.
# shellcheck source=images/kernel/fetch.sh
. "$lib/fetch.sh"

if [ -n "$resolving" ]; then work=$(mktemp -d); else work=$(mktemp -d /src/.fetch.XXXXXX); fi
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
downloads=/src/.download
mkdir -p "$downloads" "$work/tree"
tarball=$downloads/$file signature=$file.sig unpacked=cat
# A download of another version cannot be resumed.
find "$downloads" -mindepth 1 ! -name "$file*" -delete
: > "$work/tried"
begin_attempts
signed_by=

signer_name() {
  case "$signer" in
    C9E9416F76E610DBD09D040F47B70C55ACC9965B) echo "Denys Vlasenko" ;;
    *) echo "a key of busybox.keys" ;;
  esac
}

from_web() {
  [ -n "$wanted_sha256" ] || keyring "$lib"/keys/*.asc "${KDOCK_KEYS:-/in/keys}"/*.asc
  # Left whole by a run that was interrupted, or by the one that looked which it is.
  continued=1
  for base in ${KDOCK_MIRRORS:-} https://busybox.net/downloads; do
    if from_folder "${base%/}"; then
      # The former run's mirror is not recorded.
      [ -n "$continued" ] && origin=$file || origin=$url
      [ -n "$signed_by" ] || signed_by=$(cat "$tarball.signed-by" 2> /dev/null || true)
      return
    fi
    continued=
  done
  return 1
}

# apt in a state directory of our own: no root needed, and nothing in the image is touched.
set_up_apt() {
  mkdir -p "$work/apt/state/lists/partial" "$work/apt/cache/archives/partial" "$work/apt/etc/sources.list.d"
  # shellcheck source=/dev/null
  own=$(. /etc/os-release && echo "$VERSION_CODENAME")
  # shellcheck disable=SC2016 # apt's own placeholders
  mirror=${KDOCK_MIRROR:-$(apt-get indextargets --no-release-info --format '$(REPO_URI) $(RELEASE)' | awk -v s="$own" '$2 == s { print $1; exit }')}
  [ -n "$mirror" ] || { note "Debian: this image names no mirror for $own"; return 1; }
  cp -r /etc/apt/trusted.gpg.d "$work/apt/etc/" 2>/dev/null || mkdir -p "$work/apt/etc/trusted.gpg.d"
  # Images whose keys lie elsewhere name them in their sources; without any key apt refuses, as it should.
  signed=
  if [ -z "$(ls "$work/apt/etc/trusted.gpg.d")" ] && [ -e /usr/share/keyrings/debian-archive-keyring.gpg ]; then
    signed="[signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] "
  fi
  export TMPDIR="$work"
  apt="-o Dir::Etc::sourcelist=$work/apt/etc/sources.list -o Dir::Etc::sourceparts=$work/apt/etc/sources.list.d
    -o Dir::Etc::trustedparts=$work/apt/etc/trusted.gpg.d -o Dir::State=$work/apt/state -o Dir::Cache=$work/apt/cache
    -o Debug::NoLocking=1 -o APT::Sandbox::User= -o Acquire::Retries=1 -o Acquire::http::Timeout=15
    -o Acquire::https::Timeout=15 -o Acquire::Languages=none"
}

# Looks through the suites and does what it is told with the first that has this version, or with the next one that has.
from_debian() { # a function
  take=$1
  set_up_apt || return 1
  tried=
  for suite in "$own" bookworm trixie sid; do
    case " $tried " in *" $suite "*) continue ;; esac
    tried="$tried $suite"
    echo "==> source: looking for busybox $version in Debian $suite"
    echo "deb-src $signed$mirror $suite main" > "$work/apt/etc/sources.list"
    # shellcheck disable=SC2086 # options on purpose
    if ! apt-get $apt update -q --error-on=any -o Debug::Acquire::gpgv=1 -o Debug::Acquire::sqv=1 > "$work/update.log" 2>&1; then
      note "Debian $suite: $(sed -n 's/^[EW]: //p' "$work/update.log" | head -n 1)"
      # A machine that reaches no mirror for its own suite reaches none for the others.
      [ "$suite" = "$own" ] && return 1
      continue
    fi
    # shellcheck disable=SC2086
    apt-cache $apt showsrc --only-source busybox > "$work/showsrc" 2>/dev/null
    match=
    for candidate in $(sed -n 's/^Version: //p' "$work/showsrc"); do
      upstream=${candidate#*:}
      [ "${upstream%-*}" = "$version" ] && match=$candidate
    done
    if [ -z "$match" ]; then
      missing=1
      note "Debian $suite: has $(sed -n 's/^Version: //p' "$work/showsrc" | sed 's/^[0-9]*://; s/-[^-]*$//' | sort -uV | xargs)"
      continue
    fi
    ! $take || return 0
  done
  return 1
}

download_match() {
  # shellcheck disable=SC2086
  if ! (cd "$work" && apt-get $apt source -q --download-only --only-source "busybox=$match") > "$work/apt.log" 2>&1; then
    note "Debian $suite: $(sed -n 's/^E: //p' "$work/apt.log" | head -n 1)"
    return 1
  fi
  mv "$work/busybox_$version".orig.tar.* "$tarball"
  # What came through apt is vouched for, and must be what is known of it all the same.
  [ -z "$wanted_sha256" ] || verify "Debian $suite" || return 1
  origin="Debian busybox $match"
}

# The index has the checksum, and apt's log of checking the index the keys; sqv and gpgv have each their own words.
resolve_match() {
  sum=$(awk -v RS= -v version="$match" 'index("\n" $0 "\n", "\nVersion: " version "\n")' "$work/showsrc" |
    sed -n "/^Checksums-Sha256:/,/^[^ ]/s/^ \([0-9a-f]\{64\}\) .* busybox_$version\.orig\.tar\.[a-z0-9]*\$/\1/p" | head -n 1)
  keys=$(sed -n 's/^Got GOODSIG \([0-9A-F]\{40\}\)$/\1/p; s/^.*\[GNUPG:\] VALIDSIG .* //p' "$work/update.log" | sort -u | paste -sd, -)
  if [ -z "$sum" ] || [ -z "$keys" ]; then
    note "Debian $suite: its index of busybox $match has no checksum or no known signature"
    return 1
  fi
}

# The gravest of what happened decides what is said.
failed() {
  if [ -n "$other_sum" ]; then
    echo "error: no source gave the expected $file" >&2
    echo "  expected sha256 $wanted_sha256" >&2
    echo "  actual   sha256 $other_sum" >&2
    hint="if the version was published anew on purpose, set busybox.sha256; if not, the file was changed on the way"
    code=1
  else
    refuse_signature busybox.keys
    if [ -n "$unsigned" ]; then
      echo "error: $file is there, but no mirror has the signature $signature that says it is genuine" >&2
      hint="set busybox.sha256 to the published sha256 of $file, or ask a mirror that has the signature (busybox.mirrors)"
      code=64
    elif [ -n "$missing" ]; then
      echo "error: no source that answers has busybox $version" >&2
      hint="set busybox.source to a version that one of these has, or add a mirror that has this one to busybox.mirrors"
      code=64
    else
      echo "error: busybox $version could not be fetched" >&2
      hint="check the network and proxy of the machine the engine runs on, or set busybox.mirrors to an address it reaches"
      code=69
    fi
  fi
  tried
  echo "  $hint" >&2
  exit $code
}

echo "@kdock phase fetch"
if [ -n "$resolving" ]; then
  if from_web; then
    # For the build that follows, which knows the sum and asks no signature.
    echo "$signed_by" > "$tarball.signed-by"
    echo "@kdock source busybox $version $sha256 $signed_by"
  elif from_debian resolve_match; then
    echo "@kdock source busybox $version $sum debian:$keys"
  else
    failed
  fi
  exit 0
fi
if ! from_web && ! from_debian download_match; then failed; fi

echo "@kdock phase unpack"
sum=$(sha256sum "$tarball" | cut -d' ' -f1)
tar -xf "$tarball" -C "$work/tree" --strip-components=1 --no-same-owner
# The build's time stamp comes from a file's; nothing in the tree may be dated by this run.
[ -f "$work/tree/Makefile" ] || { echo "error: $file holds no busybox source" >&2; rm -rf "$downloads"; exit 1; }

# All or nothing: the marker is written last.
find /src -mindepth 1 -maxdepth 1 ! -path "$work" -exec rm -rf {} +
find "$work/tree" -mindepth 1 -maxdepth 1 -exec mv -t /src {} +
{
  echo "spec $spec"
  echo "origin $origin"
  echo "sha256 $sum"
  [ -z "$signed_by" ] || echo "signed-by $signed_by"
} > /src/.kdock-source
echo "==> source: $origin"
