#!/usr/bin/env bash
# test-podman.sh — the tests of VMs and of the command line, against a Podman of its own, which it installs. For every
# night, not for every commit: it compiles kernels, without a compiler cache at first. Needs root.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/machine.sh

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

need_node
[ "$(id -u)" = 0 ] || die "test-podman.sh starts a Podman of its own: run it as root"
install_for_tests
# A Docker engine has the kernel drop what it forwards, also from guest to guest on Podman's bridges.
if engine_answers; then die "a Docker engine runs here, whose firewall drops what Podman's guests send each other: stop it first"; fi
scripts/podman.sh "$folder" >"$results/podman.log" 2>&1 &
podman=$!
export DOCKER_HOST=unix://$folder/sock
wait_for_engine || { tail -n 20 "$results/podman.log" >&2; die "Podman's API does not come up"; }
build_kdock

say "the README's quickstart, on Podman"
scripts/quickstart.sh

say "vm tests and cli tests, on Podman"
npx vitest run --project vm --project cli --reporter=verbose --reporter=json --outputFile.json="$results/tests.json" || true
node - "$results/tests.json" <<'NODE'
const run = JSON.parse(require("node:fs").readFileSync(process.argv[2], "utf8"));
const skipped = run.numPendingTests + run.numTodoTests;
console.log(`\n${run.numPassedTests} passed, ${run.numFailedTests} failed, ${skipped} skipped`);
// Nothing is skipped silently: a skipped test is a failed run.
process.exit(run.success && skipped === 0 && run.numPassedTests > 0 ? 0 : 1);
NODE
