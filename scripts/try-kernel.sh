#!/usr/bin/env bash
# try-kernel.sh [-p PRESET]... TREE|SOURCE... — builds each kernel with each preset (debug, defconfig and tiny unless given), boots
# it, and prints one line: what works of network, exec, shares, traps and lx- commands. This is how the table of
# docs/guides/old-kernels.md was made. Exit code 1 if anything does not work. Logs stay in the folder that it names.
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
presets=()
while getopts p: flag; do
  case $flag in p) presets+=("$OPTARG") ;; *) exit 2 ;; esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || { echo "usage: ${0##*/} [-p PRESET]... TREE|SOURCE..." >&2; exit 2; }
[ ${#presets[@]} -gt 0 ] || presets=(debug defconfig tiny)
logs=$(mktemp -d)
echo "logs: $logs" >&2
failed=0

kdock() { timeout "${LIMIT:-600}" node "$root/dist/cli.js" "$@"; }

# works NAME COMMAND... — prints NAME, or "no NAME"; the command's output goes to the log.
works() {
  if "${@:2}" >>log 2>&1; then printf ' %s' "$1"; else printf ' no-%s' "$1"; failed=1; fi
}

# The gateway answers; a file of the host is in the shared folder.
network() { kdock exec -- sh -c 'ping -c 1 -W 5 "$(ip route | sed -n "s/^default via \([^ ]*\).*/\1/p")"'; }
share() { [ "$(kdock exec -- cat /mnt/shared/file)" = shared ]; }
fork() { kdock trap _do_fork --args --exec ls; }
tcp() { kdock trap tcp_v4_rcv --args --exec 'nc -l -p 9 & sleep 1; echo | nc -w 1 127.0.0.1 9'; }
lx() { kdock gdb -- -batch -ex lx-version | grep 'Linux version'; }

for source in "$@"; do
  case $source in /* | ./* | ../*) source=path:$(realpath "$source") ;; esac
  for preset in "${presets[@]}"; do
    folder=$logs/$(basename "$source" | tr -c "[:alnum:].\n" -)-$preset
    mkdir -p "$folder/shared"
    cd "$folder" || exit
    echo shared >shared/file
    printf 'gdb: { listen: 127.0.0.1:0 }\nkernel: { source: "%s", preset: %s }\nvm: { shares: ["./shared:/mnt/shared"] }\n' \
      "$source" "$preset" >kdock.yaml
    export KDOCK_TRUST=1
    begun=$SECONDS
    if ! LIMIT=7200 kdock build >log 2>&1; then
      echo "$source $preset: does not build, see $folder/log"
      failed=1
      continue
    fi
    printf '%s %s: built in %s s' "$source" "$preset" $((SECONDS - begun))
    works boots kdock run -d
    works exec kdock exec -- uname -r
    works network network
    works share share
    works trap-fork fork
    works trap-tcp tcp
    # A kernel without debug information has no types, and releases before 4.0 have no such scripts.
    [ "$preset" = tiny ] || works lx- lx
    echo
    kdock stop >>log 2>&1
  done
done
exit $failed
