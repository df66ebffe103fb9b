#!/usr/bin/env bash
# podman.sh FOLDER — a Podman of its own, all of which is in FOLDER (a new one). It serves its API at FOLDER/sock, in the
# foreground; when this script is ended, its containers end and FOLDER is removed. Needs root.
set -euo pipefail

# What its DNS server knows is in /run/containers, for all Podmans of a machine: this one has a folder of its own there.
if [ "${KDOCK_OWN_MOUNTS:-}" != 1 ]; then
  export KDOCK_OWN_MOUNTS=1
  exec unshare --mount --propagation private "$0" "$@"
fi
mkdir -p /run/containers
mount -t tmpfs none /run/containers

folder=$1
mkdir "$folder"

# crun refuses a host that has cgroups of both versions. Low limits, because a host may refuse to raise them.
cat >"$folder/containers.conf" <<'CONF'
[containers]
default_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]
[engine]
runtime = "runc"
CONF
export CONTAINERS_CONF=$folder/containers.conf

own_podman=(podman --root "$folder/root" --runroot "$folder/run" --tmpdir "$folder/tmp" --network-config-dir "$folder/networks")

service=
finish() {
  [ -z "$service" ] || kill "$service" 2>/dev/null || true
  wait
  "${own_podman[@]}" rm --force --all --time 0 >/dev/null || true
  # The monitors of commands in containers wait five minutes; what tidies up after one would make FOLDER anew.
  while pkill -KILL -f "(conmon|podman) .*$folder/"; do sleep 0.1; done
  # Its DNS server outlives networks that did not end well, and holds their addresses.
  if [ -e /run/containers/networks/aardvark-dns/aardvark.pid ]; then
    kill "$(cat /run/containers/networks/aardvark-dns/aardvark.pid)" 2>/dev/null || true
  fi
  while mountpoint -q "$folder/root/overlay"; do umount --lazy "$folder/root/overlay"; done
  rm -rf "$folder"
}
trap finish EXIT
trap 'exit 0' TERM INT

"${own_podman[@]}" system service --time 0 "unix://$folder/sock" &
service=$!
wait "$service"
