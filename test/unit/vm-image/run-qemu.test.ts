import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { AGENT_DEVICE } from "../../../src/core/plan/names.js";
import { CONSOLE_BEGINS, readConsole } from "../../../src/vm/plan/console-state.js";
import { parseVmEnd, type VmEnd } from "../../../src/vm/plan/vm-end.js";
import { ROOT } from "../../support/kdock.js";

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdock-run-qemu-"));
});
afterEach(() => rm(folder, { recursive: true }));

const event = (name: string, data: object) =>
  `{"timestamp": {"seconds": 1, "microseconds": 2}, "event": "${name}", "data": ${spaced(data)}}`;
/** As QEMU spells JSON. */
const spaced = (data: object) =>
  JSON.stringify(data).replaceAll('":', '": ').replaceAll(',"', ', "');

const port = (id: string, open: boolean) => event("VSERPORT_CHANGE", { open, id });
const AGENT = port(AGENT_DEVICE, true);
const RESET = event("SHUTDOWN", { guest: true, reason: "guest-reset" });

/** What is noted of a QEMU that says these lines on its monitor, and ends with that code. */
async function recordOf(
  lines: readonly string[],
  { exitCode = 0, driver }: { readonly exitCode?: number; readonly driver?: string } = {},
): Promise<VmEnd | undefined> {
  const [record, qemu] = [join(folder, "end.json"), join(folder, "qemu")];
  const script = [
    "#!/bin/sh",
    `fd=$(printf '%s\\n' "$@" | sed -n 's/^socket,id=kdock-end,fd=//p')`,
    ...lines.map((line) => `printf '%s\\r\\n' '${line}' >&"$fd"`),
    `exit ${exitCode}`,
  ];
  await writeFile(qemu, `${script.join("\n")}\n`, { mode: 0o755 });
  const ended = await execa("perl", [`${ROOT}images/vm/run-qemu.pl`, record, qemu], {
    env: {
      KDOCK_AGENT_DEVICE: AGENT_DEVICE,
      ...(driver === undefined ? {} : { KDOCK_PANIC_DRIVER: driver }),
    },
    reject: false,
  });
  expect(ended.exitCode, ended.stderr).toBe(exitCode);
  const [first = ""] = ended.stdout.split("\r\n");
  expect(readConsole(CONSOLE_BEGINS, first).state.isGuest, first).toBe(true);
  return parseVmEnd(await readFile(record, "utf8"));
}

describe("run-qemu.pl", () => {
  it("notes how QEMU ended", async () => {
    const panic = event("GUEST_PANICKED", { action: "poweroff" });
    const shutdown = event("SHUTDOWN", { guest: true, reason: "guest-panic" });
    expect(await recordOf([panic, shutdown], { exitCode: 1 })).toEqual({
      ...{ panicked: true, reason: "guest-panic", mayPanicSilently: false },
      ...{ exitCode: 1, signal: null },
    });
  });

  it.each([
    ["a kernel without a driver for pvpanic", [AGENT, RESET], "none", true],
    ["one whose driver is there, before the agent is", [RESET], "before-agent", true],
    ["after the agent has come", [AGENT, RESET], "before-agent", false],
    ["after another port was opened", [port("other", true), RESET], "before-agent", true],
    ["after the agent's was closed", [port(AGENT_DEVICE, false), RESET], "before-agent", true],
    ["one that waits for no agent", [RESET], "before-init", false],
    ["one of which nothing is said", [RESET], undefined, false],
  ])("notes whether a panic would have been told: %s", async (_what, lines, driver, silent) => {
    const record = await recordOf(lines, driver === undefined ? {} : { driver });
    expect(record).toMatchObject({ reason: "guest-reset", mayPanicSilently: silent });
  });
});
