# shellcheck shell=sh
# source-release.sh — release:X.Y[.Z][-rcN], for source.sh: a tarball of kernel.org, from a mirror of its layout. X.Y is the
# newest X.Y.Z that the mirror has. Both resolving and fetching download, because the signature is over what is inside:
#
#   @kdock source kernel release VERSION SHA256 pgp:FINGERPRINT
#
#   KDOCK_MIRRORS           addresses of folders with v6.x and the like in them, asked in this order, instead of kernel.org
#   KDOCK_SOURCE_VERSION, KDOCK_SOURCE_SHA256   exactly this version and this tarball: no signature is checked then
#   /in/keys/*.asc          keys that may sign besides those in keys/release
#
# A download is kept in /src/.download until it is unpacked or found wrong.
# shellcheck disable=SC2154 # the caller's words
# In the image all of it lies beside this script.
# shellcheck source=images/kernel/fetch.sh
. "$here/fetch.sh"

asked=${spec#release:}
wanted=${KDOCK_SOURCE_VERSION:-}
wanted_sha256=${KDOCK_SOURCE_SHA256:-}
downloads=/src/.download
mirrors=${KDOCK_MIRRORS:-https://cdn.kernel.org/pub/linux/kernel https://mirrors.edge.kernel.org/pub/linux/kernel
  https://www.kernel.org/pub/linux/kernel}
torvalds=https://git.kernel.org/pub/scm/linux/kernel/git/torvalds/linux.git

already_there() {
  { [ -z "$wanted" ] || [ "$(marked version)" = "$wanted" ]; } &&
    { [ -z "$wanted_sha256" ] || [ "$(marked sha256)" = "$wanted_sha256" ]; }
}

folder_of() { # mirror, version
  echo "${1%/}/v${2%%.*}.x"
}

# The versions that a folder of a mirror has, oldest first: from its checksums, which kernel.org writes into each, else from
# its listing, be it Apache's, nginx's or another's.
versions_in() { # folder
  for index in "$1/sha256sums.asc" "$1/"; do
    small "$index" "$work/index" && found=0 || found=$?
    if [ "$found" = 0 ]; then
      grep -o 'linux-[0-9][0-9.]*\(-rc[0-9]*\)\{0,1\}\.tar\.xz' "$work/index" | sed 's/^linux-//; s/\.tar\.xz$//' | sort -uV > "$work/versions"
      [ ! -s "$work/versions" ] || return 0
    fi
    [ "$found" != 1 ] || return 1
  done
  return 4
}

# X.Y → the newest of the line, once; sets $version.
choose_version() {
  case "$asked" in
    *.*.0) version=${asked%.0}; return ;;
    *.*.* | *-rc*) version=$asked; return ;;
  esac
  if [ -n "$wanted" ]; then version=$wanted; return; fi
  for mirror in $mirrors; do
    echo "==> source: asking $mirror for the newest Linux $asked"
    versions_in "$(folder_of "$mirror" "$asked")" && found=0 || found=$?
    case "$found" in
      0) answered=$mirror ;;
      4) answered=$mirror; note "$(folder_of "$mirror" "$asked"): no such folder"; continue ;;
      *) continue ;;
    esac
    version=$(grep -xE "$(echo "$asked" | sed 's/\./\\./')(\.[0-9]+)?" "$work/versions" | tail -n 1)
    if [ -n "$version" ]; then
      echo "==> source: the newest Linux $asked is $version"
      return
    fi
    note "$mirror: has no Linux $asked"
  done
  version=$asked
  [ -z "$answered" ] || absent
  unreachable
}

# What there is instead, nearest first: of the same line, else the newest of the lines around it.
nearest() {
  major=${asked%%.*}
  while [ "$major" -ge 3 ]; do
    if versions_in "$(folder_of "$answered" "$major")" 2> /dev/null; then break; fi
    major=$((major - 1))
  done
  [ -s "$work/versions" ] || return 0
  line=$(echo "$asked" | sed 's/^\([0-9]*\.[0-9]*\).*/\1/')
  if grep -q "^$(echo "$line" | sed 's/\./\\./')\(\.\|\$\)" "$work/versions"; then
    grep "^$(echo "$line" | sed 's/\./\\./')\(\.\|\$\)" "$work/versions"
  else
    awk -F. '{ newest[$1 "." $2] = $0 } END { for (each in newest) print newest[each] }' "$work/versions"
  fi | { cat; echo "$asked WANTED"; } | sort -V | awk '
    { all[NR] = $0; if ($2 == "WANTED") at = NR }
    END { for (i = at - 3; i <= at + 3; i++) if (i in all && i != at) print "  release:" all[i] }'
}

absent() {
  if [ -n "$wanted" ]; then
    echo "error: no mirror that answers has Linux $wanted, which the lock names" >&2
    tried
    exit 65
  fi
  rm -f "$work/versions"
  nearest > "$work/nearest"
  echo "error: there is no release of Linux $asked${answered:+ on $answered}" >&2
  case "$asked" in
    *-rc*) echo "  kernel.org has release candidates in git only: git:$torvalds#v$asked" >&2 ;;
  esac
  if [ -s "$work/nearest" ]; then
    echo "  The nearest are:" >&2
    cat "$work/nearest" >&2
  fi
  tried
  exit 64
}

unreachable() {
  echo "error: no mirror could give Linux $version:" >&2
  cat "$work/tried" >&2
  exit 69
}

signer_name() {
  case "$signer" in
    647F28654894E3BD457199BE38DBBDC86092693E) echo "Greg Kroah-Hartman" ;;
    ABAF11C65A2970B130ABE3C479BE3E4300411886) echo "Linus Torvalds" ;;
    E27E5D8A3403A2EF66873BBCDEA66FF797772CDC) echo "Sasha Levin" ;;
    AC2B29BD34A6AFDDB3F68F35E7BFC8EC95861109) echo "Ben Hutchings" ;;
    *) echo "a key of kernel.keys" ;;
  esac
}

obtain() {
  : > "$work/tried"
  answered=
  begin_attempts
  choose_version
  # Of a line, what is there already may be the newest.
  if [ -n "$resolving" ] && [ "$(marked spec)" = "$spec" ] && [ "$(marked version)" = "$version" ] && marked signed-by | grep -q .; then
    sha256=$(marked sha256) signed_by=$(marked signed-by)
    return
  fi
  mkdir -p "$downloads"
  file=linux-$version.tar.xz signature=linux-$version.tar.sign unpacked='xz -dc'
  tarball=$downloads/$file
  # A download of another version cannot be resumed.
  find "$downloads" -mindepth 1 ! -name "$file*" -delete
  # Left whole by a run that was interrupted.
  continued=1
  keyring "$here"/keys/release/*.asc "${KDOCK_KEYS:-/in/keys}"/*.asc
  for mirror in $mirrors; do
    from_folder "$(folder_of "$mirror" "$version")" && found=0 || found=$?
    case "$found" in
      0) return ;;
      4) answered=$mirror ;;
    esac
    continued=
  done
  failed
}

# The gravest of what happened decides what is said.
failed() {
  if [ -n "$other_sum" ]; then
    echo "error: $file is not the one that the lock names: its sha256 is $other_sum, not $wanted_sha256" >&2
    tried
    exit 65
  fi
  refuse_signature kernel.keys
  if [ -n "$unsigned" ]; then
    echo "error: $file is there, but without the signature $signature that says it is genuine" >&2
    echo "  Ask a mirror that has it (kernel.mirrors); kernel.org has." >&2
    tried
    exit 1
  elif [ -n "$damaged" ]; then
    echo "error: every mirror's $file is damaged" >&2
    tried
    exit 1
  elif [ -n "$missing" ]; then
    absent
  fi
  unreachable
}

resolve() {
  echo "@kdock phase fetch"
  obtain
  # For the build that follows, which knows the sum and asks no signature.
  [ ! -e "${tarball:-/nonexistent}" ] || echo "$signed_by" > "$tarball.signed-by"
  echo "@kdock source kernel release $version $sha256 $signed_by"
}

fetch() {
  obtain
  echo "@kdock phase unpack"
  echo "==> source: unpacking $file"
  tar -xf "$tarball" -C "$work/tree" --strip-components=1 --no-same-owner
  [ -f "$work/tree/Makefile" ] || { echo "error: $file holds no kernel source" >&2; rm -rf "$downloads"; exit 1; }
  fact "origin linux-$version"
  fact "version $version"
  fact "sha256 $sha256"
  if [ -z "$signed_by" ] && [ -e "$tarball.signed-by" ]; then signed_by=$(cat "$tarball.signed-by"); fi
  [ -z "$signed_by" ] || fact "signed-by $signed_by"
}
