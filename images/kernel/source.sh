#!/bin/sh
# source.sh debian:X.Y — puts the kernel source into /src, once: /src/.kdock-source says what is there.
# apt verifies the package against the archive's signature.
# shellcheck disable=SC2086 # $apt is a list of options on purpose
set -eu
umask 022
spec=$1

if [ "$(sed -n 's/^spec //p' /src/.kdock-source 2>/dev/null)" = "$spec" ]; then
  echo "==> source: $(sed -n 's/^origin //p' /src/.kdock-source) (already there)"
  exit 0
fi

case "$spec" in
  debian:*) version=${spec#debian:} ;;
  *) echo "cannot fetch '$spec': the builder knows debian:X.Y" >&2; exit 64 ;;
esac
package=linux-source-$version

# apt in a state directory of our own: no root needed, and nothing in the image is touched.
work=$(mktemp -d /src/.fetch.XXXXXX)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM
mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/etc/apt/sources.list.d" "$work/tree"
cp -r /etc/apt/. "$work/etc/apt/"
export TMPDIR="$work"
apt="-o Dir::Etc=$work/etc/apt -o Dir::State=$work/state -o Dir::Cache=$work/cache -o Debug::NoLocking=1 -o APT::Sandbox::User="

echo "@kdock phase fetch"
echo "==> source: looking for $package"
apt-get $apt update -q
# By its exact name: apt takes a name that it does not know for a pattern, and 6.1 would match 6.12.
found() { apt-cache $apt pkgnames "$package" | grep -qxF "$package"; }
if ! found; then
  # Newer kernels come through backports; older ones, asked for with a newer compiler, through their own suite. All of
  # them are on the mirror that the image's own apt configuration names.
  suite=$(. /etc/os-release && echo "$VERSION_CODENAME")
  mirror=$(apt-get $apt indextargets --format '$(REPO_URI) $(RELEASE)' | awk -v s="$suite" '$2 == s { print $1; exit }')
  for other in "$suite-backports" trixie bookworm bullseye; do
    [ "$other" != "$suite" ] || continue
    echo "==> source: not there, looking in $other"
    echo "deb $mirror $other main" >> "$work/etc/apt/sources.list.d/other.list"
    apt-get $apt update -q || true
    ! found || break
  done
fi
if ! found; then
  echo "error: no package $package in the Debian suites that were asked. There are:" >&2
  apt-cache $apt search --names-only '^linux-source-[0-9]' | sed 's/^linux-source-\([^ ]*\).*/  debian:\1/' | sort -uV >&2
  exit 64
fi
cd "$work"
apt-get $apt download "$package"
deb=$(ls ./*.deb)
echo "@kdock phase unpack"
echo "==> source: unpacking $(basename "$deb")"
dpkg-deb --fsys-tarfile "$deb" | tar -xf - -C "$work" --wildcards './usr/src/*.tar.*'
tarball=$(ls "$work"/usr/src/*.tar.*)
tar -xf "$tarball" -C "$work/tree" --strip-components=1 --no-same-owner

# All or nothing: the marker is written last.
find /src -mindepth 1 -maxdepth 1 ! -path "$work" -exec rm -rf {} +
find "$work/tree" -mindepth 1 -maxdepth 1 -exec mv -t /src {} +
{
  echo "spec $spec"
  echo "origin $(basename "$deb" .deb)"
  echo "sha256 $(sha256sum "$tarball" | cut -d' ' -f1)"
} > /src/.kdock-source
echo "==> source: $(sed -n 's/^origin //p' /src/.kdock-source)"
