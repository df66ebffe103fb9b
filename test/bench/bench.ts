/**
 * kdock against the bare tools, in the same run, as ratios: `npm run bench`. Needs what scripts/quickstart.sh built.
 * Parts may be named: `npm run bench debugging`. Every figure is the median of several runs; the machine's noise is in both
 * sides of a ratio, and its load is said first. `npm run bench -- --smoke` runs each part once, which scripts/test.sh does:
 * where a part needs a kernel's tree, a toy one.
 */
import { loadavg } from "node:os";
import { commandLine, extraction, incremental } from "./building.js";
import { debugging } from "./debugging.js";
import { guest } from "./guest.js";
import { network } from "./network.js";
import { tree } from "./tree.js";

const PARTS = { commandLine, guest, network, extraction, debugging, incremental, tree };
const asked = process.argv.slice(2).filter((word) => word !== "--smoke");
const unknown = asked.filter((name) => !Object.hasOwn(PARTS, name));
if (unknown.length > 0) {
  throw new Error(`no part ${unknown.join(", ")}; there are ${Object.keys(PARTS).join(", ")}`);
}
for (const [name, measure] of Object.entries(PARTS)) {
  if (asked.length > 0 && !asked.includes(name)) continue;
  const load = loadavg()[0]?.toFixed(2) ?? "unknown";
  process.stdout.write(`${name} (load average ${load})\n`);
  await measure();
}
