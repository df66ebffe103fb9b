#!/bin/sh
# begin-layer.sh — first command of a RUN, for end-layer.sh: when it began, and which of the files that end-layer.sh
# drops are in the base already. $TMPDIR is expected to be a mount.
set -eu
work=${TMPDIR:-/tmp}/kdock-work
mkdir -p "$work"
# Notes and caches of programs that hold times or inode numbers of the very run, or what a file was like before it.
cat > "$work/volatile" <<'EOF'
/var/cache/ldconfig/aux-cache
/var/cache/debconf/config.dat-old
/var/cache/debconf/passwords.dat-old
/var/cache/debconf/templates.dat-old
/var/lib/dpkg/available-old
/var/lib/dpkg/diversions-old
/var/lib/dpkg/statoverride-old
/var/lib/dpkg/status-old
/var/lib/systemd/catalog/database
EOF
while read -r file; do
  [ ! -e "$file" ] || echo "$file"
done < "$work/volatile" > "$work/inherited"
touch "$work/begin"
# The clock of file times moves in steps: what comes now has to be newer.
sleep 0.05
