#!/bin/sh
# source.sh release:X.Y.Z — puts the busybox source into /src, once: /src/.kdock-source says what is there.
# source.sh --resolve release:X.Y.Z — downloads nothing and prints "@kdock source busybox VERSION SHA256 SIGNER": which
# tarball that is, and on whose word. Runs as root in a bare Debian container too.
#
# Tried in this order: the mirrors in KDOCK_MIRRORS, busybox.net, and Debian's source package, whose orig tarball is
# upstream's file. Over http(s) only a known checksum makes a tarball trustworthy (KDOCK_SHA256, or the file sha256sums);
# what comes through apt is vouched for by the archive's signature, and must match the checksum all the same if we know it.
# KDOCK_MIRROR is the Debian mirror to ask instead of the one that the image's apt names.
#
# Exit code 64: there is no such version, or its checksum is wanted. 1: nothing could be fetched.
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
wanted=${KDOCK_SHA256:-$(sed -n "s/^\([0-9a-f]\{64\}\)  $file\$/\1/p" "$lib/sha256sums")}

told() { sed -n "s/^$1 //p" /src/.kdock-source 2>/dev/null; }
# What was fetched under another checksum, before the lock was moved or the user changed it, is not what is wanted.
if [ -z "$resolving" ] && [ "$(told spec)" = "$spec" ] && [ "$(told sha256)" = "${wanted:-$(told sha256)}" ]; then
  echo "==> source: $(told origin) (already there)"
  exit 0
fi

if [ -n "$resolving" ] && [ -n "$wanted" ]; then
  signer=pinned:kdock
  [ -z "${KDOCK_SHA256:-}" ] || signer=pinned:kdock.yaml
  echo "@kdock source busybox $version $wanted $signer"
  exit 0
fi

if [ -n "$resolving" ]; then work=$(mktemp -d); else work=$(mktemp -d /src/.fetch.XXXXXX); fi
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
[ -n "$resolving" ] || mkdir -p /src/.download "$work/tree"
tarball=/src/.download/$file
note() { echo "  $*" >> "$work/tried"; }
: > "$work/tried"
absent='' corrupt='' unchecked=''

# Right, or told and removed. What came from apt passes when there is nothing to compare with.
checksum_holds() { # where
  actual=$(sha256sum "$tarball" | cut -d' ' -f1)
  [ "$actual" = "${wanted:-$actual}" ] && return
  echo "error: $file from $1 is not what was expected" >&2
  echo "  expected sha256 $wanted" >&2
  echo "  actual   sha256 $actual" >&2
  note "$1: wrong checksum"
  rm -f "$tarball"
  corrupt=1
  return 1
}

# An interrupted download is taken up where it stopped, also in the next run.
download() { # url, curl options...
  url=$1
  shift
  status=$(curl --silent --show-error --fail --connect-timeout 10 --speed-limit 1000 --speed-time 30 --retry 1 \
    --continue-at - --output "$tarball.part" --write-out '%{http_code}' "$@" "$url" 2> "$work/curl.err") && code=0 || code=$?
  # 33 and 416: the server cannot continue, or there is nothing left to continue.
  if [ "$code" = 33 ] || [ "$status" = 416 ]; then
    rm -f "$tarball.part"
    status=$(curl --silent --show-error --fail --connect-timeout 10 --speed-limit 1000 --speed-time 30 \
      --output "$tarball.part" --write-out '%{http_code}' "$@" "$url" 2> "$work/curl.err") && code=0 || code=$?
  fi
  if [ "$code" = 0 ] && [ "${status#2}" != "$status" ]; then
    mv "$tarball.part" "$tarball"
    return
  fi
  case "$status" in
    404 | 410) absent=1; note "$url: no such file"; rm -f "$tarball.part" ;;
    3??) note "$url: redirects elsewhere, which is refused"; rm -f "$tarball.part" ;;
    *) note "$url: $(sed 's/^curl: ([0-9]*) //' "$work/curl.err" | tail -n 1)" ;;
  esac
  return 1
}

from_web() {
  for base in ${KDOCK_MIRRORS:-} https://busybox.net/downloads; do
    url=${base%/}/$file
    if [ -z "$wanted" ]; then
      unchecked=1
      note "$url: not tried, because no checksum of busybox $version is known"
      continue
    fi
    echo "==> source: trying $url"
    # A mirror of the user's may redirect, though never from https to http; busybox.net has no reason to.
    case "$base" in
      https://busybox.net/*) set -- --proto =https --max-redirs 0 ;;
      https://*) set -- --proto =https --location --max-redirs 5 ;;
      http://*) set -- --proto =http,https --location --max-redirs 5 ;;
      *) note "$base: a mirror is an http:// or https:// address"; continue ;;
    esac
    if download "$url" "$@" && checksum_holds "$url"; then
      origin=$url
      return
    fi
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
      absent=1
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
  checksum_holds "Debian $suite" || return 1
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

if [ -n "$resolving" ]; then
  unchecked=1
  note "the web: not asked, because no checksum of busybox $version is known"
  if from_debian resolve_match; then
    echo "@kdock source busybox $version $sum debian:$keys"
    exit 0
  fi
fi

[ -n "$resolving" ] || echo "@kdock phase fetch"
if [ -n "$resolving" ] || { ! from_web && ! from_debian download_match; }; then
  if [ -n "$corrupt" ]; then
    echo "error: no source gave the expected $file:" >&2
    hint="if the version was published anew on purpose, set busybox.sha256; if not, somebody between you and the source changes files"
    code=1
  elif [ -n "$absent" ] && [ -n "$unchecked" ]; then
    echo "error: Debian has no busybox $version, and a download needs a checksum:" >&2
    hint="set busybox.sha256 to the published sha256 of $file"
    code=64
  elif [ -n "$absent" ]; then
    echo "error: no source that answers has busybox $version:" >&2
    hint="set busybox.source to a version that one of these has, or add a mirror that has this one to busybox.mirrors"
    code=64
  else
    echo "error: busybox $version could not be fetched:" >&2
    hint="check the network and proxy of the machine the engine runs on, or set busybox.mirrors to an address it reaches"
    [ -z "$unchecked" ] || hint="$hint, and busybox.sha256 to the published sha256 of $file"
    code=1
  fi
  cat "$work/tried" >&2
  echo "  $hint" >&2
  exit $code
fi

echo "@kdock phase unpack"
sum=$(sha256sum "$tarball" | cut -d' ' -f1)
tar -xf "$tarball" -C "$work/tree" --strip-components=1 --no-same-owner
# The build's time stamp comes from a file's; nothing in the tree may be dated by this run.
[ -f "$work/tree/Makefile" ] || { echo "error: $file holds no busybox source" >&2; exit 1; }

# All or nothing: the marker is written last.
find /src -mindepth 1 -maxdepth 1 ! -path "$work" -exec rm -rf {} +
find "$work/tree" -mindepth 1 -maxdepth 1 -exec mv -t /src {} +
{
  echo "spec $spec"
  echo "origin $origin"
  echo "sha256 $sum"
} > /src/.kdock-source
echo "==> source: $origin"
