#!/usr/bin/env bash
# test-podman.sh [FILE...] — the tests of VMs and of the command line, or those in FILEs, against a Podman of its own,
# which it installs. For every night, not for every commit: it compiles kernels, without a compiler cache at first.
# Needs root.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
. "$here/machine.sh"

# own_network COMMAND... — runs it in a network namespace with a way out: in the machine's own, a Docker engine's firewall
# would drop what Podman's guests send each other.
own_network() {
  install slirp4netns:slirp4netns
  # The machine's own resolver may listen on its loopback only; 10.0.2.3 is slirp4netns's.
  # shellcheck disable=SC2016 # for that shell
  unshare --net --mount --propagation private sh -c '
    until grep -q tap0 /proc/net/route; do sleep 0.1; done
    ip link set lo up
    mount -t tmpfs none /mnt
    echo nameserver 10.0.2.3 >/mnt/resolv.conf
    # mmdebstrap copies the mode into base images.
    chmod --reference=/etc/resolv.conf /mnt/resolv.conf
    mount --bind /mnt/resolv.conf /etc/resolv.conf
    umount --lazy /mnt
    exec "$@"' sh "$@" &
  command=$!
  way_out=
  trap 'kill "$command" $way_out 2>/dev/null || true; wait "$command" || true' EXIT
  until [ "$(readlink "/proc/$command/ns/net")" != "$(readlink /proc/self/ns/net)" ]; do sleep 0.1; done
  slirp4netns --configure --mtu=1500 "$command" tap0 >/dev/null 2>&1 &
  way_out=$!
  status=0
  wait "$command" || status=$?
  exit "$status"
}

[ "$(id -u)" = 0 ] || die "test-podman.sh starts a Podman of its own: run it as root"
need_node
if [ "${OWN_NETWORK:-}" != 1 ]; then
  install_for_tests
  OWN_NETWORK=1 own_network "$here/test-podman.sh" "$@"
fi
cd "$here/.."

results=$(mktemp -d)
folder=/var/tmp/kdock-podman.$$
podman=
finish() {
  status=$?
  node dist/cli.js stop >/dev/null 2>&1 || true
  if [ -n "$podman" ]; then kill "$podman" 2>/dev/null || true; wait "$podman" || true; fi
  rm -rf "$results"
  exit "$status"
}
trap finish EXIT

scripts/podman.sh "$folder" >"$results/podman.log" 2>&1 &
podman=$!
export DOCKER_HOST=unix://$folder/sock
wait_for_engine || { tail -n 20 "$results/podman.log" >&2; die "Podman's API does not come up"; }
build_kdock

say "the README's quickstart, on Podman"
scripts/quickstart.sh

say "${*:-vm tests and cli tests}, on Podman"
npx vitest run --project vm --project cli --reporter=verbose --reporter=json --outputFile.json="$results/tests.json" "$@" || true
node - "$results/tests.json" <<'NODE'
const run = JSON.parse(require("node:fs").readFileSync(process.argv[2], "utf8"));
const skipped = run.numPendingTests + run.numTodoTests;
console.log(`\n${run.numPassedTests} passed, ${run.numFailedTests} failed, ${skipped} skipped`);
// Nothing is skipped silently: a skipped test is a failed run.
process.exit(run.success && skipped === 0 && run.numPassedTests > 0 ? 0 : 1);
NODE
