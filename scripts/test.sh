#!/usr/bin/env bash
# test.sh — every test, for real, on a fresh machine: installs what is missing, starts an engine, builds a kernel.
# With CI=true the engine is one of its own, on an empty data root, so that nothing left over helps.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/machine.sh

results=$(mktemp -d)
engine_root=
finish() {
  status=$?
  node dist/cli.js stop >/dev/null 2>&1 || true
  [ -z "$engine_root" ] || stop_own_engine
  rm -rf "$results"
  exit "$status"
}
trap finish EXIT

# Two engines in one network namespace fight over docker0: where one runs, it must go first.
start_own_engine() {
  if engine_answers; then
    die "CI=true wants an engine of its own, but one is running here already: stop it, or unset CI to test on it"
  fi
  engine_root=$(mktemp -d /var/tmp/kdock-engine.XXXXXX)
  say "starting an engine of its own in $engine_root"
  as_root sh -c "setsid dockerd --data-root '$engine_root/data' --exec-root '$engine_root/exec' \
    --pidfile '$engine_root/pid' >'$engine_root/log' 2>&1 </dev/null &"
  wait_for_engine || { tail -n 20 "$engine_root/log" >&2; die "the engine does not come up"; }
}

stop_own_engine() {
  as_root kill "$(cat "$engine_root/pid")" 2>/dev/null || true
  for _ in $(seq 30); do [ -e "$engine_root/pid" ] || break; sleep 1; done
  as_root rm -rf "$engine_root" || true
}

# vitest_projects NAME... — runs test projects and keeps their figures; what fails is counted at the end.
vitest_projects() {
  name=$(echo "$*" | tr ' ' '-')
  selected=
  for project in "$@"; do selected="$selected --project $project"; done
  # shellcheck disable=SC2086 # a list of flags on purpose
  npx vitest run $selected --reporter=verbose --reporter=json --outputFile.json="$results/$name.json" || true
}

need_node
install dockerd:docker.io gdb:gdb python3:python3 mmdebstrap:mmdebstrap docker-registry:docker-registry tmux:tmux shellcheck:shellcheck gpg:gnupg
if [ "${CI:-}" = true ]; then start_own_engine; else need_engine; fi
build_kdock

say "static checks"
npm run --silent check
shellcheck -S warning scripts/*.sh images/*/*.sh images/rootfs/tree/init

say "unit tests"
vitest_projects unit

say "the README's quickstart"
scripts/quickstart.sh

say "engine, vm and cli tests"
vitest_projects engine
vitest_projects vm
vitest_projects cli

node - "$results" <<'NODE'
const { readFileSync } = require("node:fs");
const folder = process.argv[2];
let passed = 0, failed = 0, skipped = 0;
for (const project of ["unit", "engine", "vm", "cli"]) {
  // A project that left no figures did not run: an exception here is a failed run.
  const run = JSON.parse(readFileSync(`${folder}/${project}.json`, "utf8"));
  if (!run.success && run.numFailedTests === 0) failed += 1;
  passed += run.numPassedTests;
  failed += run.numFailedTests;
  skipped += run.numPendingTests + run.numTodoTests;
  // Named once more at the very end: who reads only the tail of a long log must find the cause there.
  for (const file of run.testResults) {
    if (file.status === "failed" && file.assertionResults.length === 0) console.log(`\nFAILED ${file.name}\n${file.message}`);
    for (const test of file.assertionResults) {
      if (test.status === "failed") console.log(`\nFAILED ${project}: ${test.fullName}\n${test.failureMessages.join("\n")}`);
    }
  }
}
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
// Nothing is skipped silently: a skipped test is a failed run.
process.exit(failed + skipped > 0 || passed === 0 ? 1 : 0);
NODE
