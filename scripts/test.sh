#!/usr/bin/env bash
# test.sh — every test, for real, on a fresh machine: installs what is missing, starts an engine, builds a kernel.
# With CI=true the engine is one of its own, on an empty data root, so that nothing left over helps.
set -euo pipefail
cd "$(dirname "$0")/.."
. scripts/machine.sh

results=$(mktemp -d)
engine_root=
beside=
finish() {
  status=$?
  [ -z "$beside" ] || kill "$beside" 2>/dev/null || true
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

# vitest_words NAME... — what runs these test projects and keeps their figures; what fails is counted at the end.
vitest_words() {
  echo "vitest run $(printf -- ' --project %s' "$@") --reporter=verbose --reporter=json --outputFile.json=$results/$1.json"
}

need_node
install_for_tests
if [ "${CI:-}" = true ]; then start_own_engine; else need_engine; fi
build_kdock

say "static checks"
npm run --silent check
shellcheck -S warning scripts/*.sh completions/kdock.bash images/*/*.sh images/rootfs/tree/init

say "unit tests"
# shellcheck disable=SC2046 # a list of words on purpose
npx $(vitest_words unit) || true

say "the README's quickstart"
scripts/quickstart.sh

# Most of a boot's time one processor waits for the other. What the tests in the lab share is touched by no others, and
# those follow each other just as well.
say "vm tests, in the lab; beside them cli tests, in projects of their own, and engine tests"
# shellcheck disable=SC2046 # as above
(exec npx $(vitest_words cli engine)) >"$results/beside.log" 2>&1 &
beside=$!
# shellcheck disable=SC2046 # as above
npx $(vitest_words vm) || true
say "every part of the bench, once, in the lab"
bench=passed
npm run --silent bench -- --smoke || bench=failed
wait "$beside" || true
beside=
cat "$results/beside.log"

node - "$results" "$bench" unit cli vm <<'NODE'
const { readFileSync } = require("node:fs");
const { relative } = require("node:path");
const [folder, bench, ...runs] = process.argv.slice(2);
let passed = 0, failed = 0, skipped = 0;
const files = [], took = [];
for (const name of runs) {
  // A run that left no figures did not take place: an exception here is a failed run.
  const run = JSON.parse(readFileSync(`${folder}/${name}.json`, "utf8"));
  if (!run.success && run.numFailedTests === 0) failed += 1;
  passed += run.numPassedTests;
  failed += run.numFailedTests;
  skipped += run.numPendingTests + run.numTodoTests;
  files.push(...run.testResults);
  if (name === "unit") continue;
  // One file after the other. What a file prepares before its first test and clears up after its last is part of it.
  let before = run.startTime;
  for (const file of [...run.testResults].sort((a, b) => a.endTime - b.endTime)) {
    took.push({ name: file.name, seconds: (file.endTime - before) / 1000 });
    before = file.endTime;
  }
}
console.log("\nThe files that took longest, in seconds:");
for (const { name, seconds } of took.sort((a, b) => b.seconds - a.seconds).slice(0, 25)) {
  console.log(`${seconds.toFixed(0).padStart(6)}  ${relative(".", name)}`);
}
// Named once more at the very end: who reads only the tail of a long log must find the cause there.
for (const { name, status, message, assertionResults } of files) {
  const file = relative(".", name);
  if (status === "failed" && assertionResults.length === 0) console.log(`\nFAILED ${file}\n${message}`);
  for (const test of assertionResults) {
    if (test.status === "failed") console.log(`\nFAILED ${file}: ${test.fullName}\n${test.failureMessages.join("\n")}`);
  }
}
if (bench !== "passed") {
  failed += 1;
  console.log("\nFAILED npm run bench -- --smoke: its words stand before those of the cli tests");
}
console.log(`\n${passed} passed, ${failed} failed, ${skipped} skipped`);
// Nothing is skipped silently: a skipped test is a failed run.
process.exit(failed + skipped > 0 || passed === 0 ? 1 : 0);
NODE
