import { describe, expect, it } from "vitest";
import {
  CONSOLE_BEGINS,
  CONSOLE_GOES_ON,
  consoleState,
  type ConsoleState,
  readConsole,
} from "../../../../src/vm/plan/console-state.js";
import { failureText } from "../../../../src/build/plan/init-scripts.js";

const QEMU = "[kdock] QEMU starts: what follows is the guest's";
const BOOTED = "{==DBG==} Boot took 1.52 seconds";
const A = "/etc/kdock/init.d/001-a.sh";
const FAILED = `[    2.0] kdock: init script ${A} failed with exit code 3`;
const STRICT = `${FAILED}; rootfs.strict ends the boot here`;

function read(lines: readonly string[]): { news: string[]; state: ConsoleState } {
  let state = CONSOLE_BEGINS;
  const news: string[] = [];
  for (const line of lines) {
    const next = readConsole(state, line);
    state = next.state;
    if (next.news !== undefined) news.push(next.news);
  }
  return { news, state };
}

describe("what the container's scripts say", () => {
  it("is news, and an error is why there is no VM", () => {
    const { news, state } = read(["[kdock] accelerator: tcg", "noise", "[kdock] error: no tap"]);
    expect(news).toEqual(["accelerator: tcg"]);
    expect(state.refusal).toBe("no tap");
  });

  it("tells that there is no gdbserver, and why", () => {
    const line = "[kdock] gdbserver: off, because its port is open";
    const { news, state } = read([line, "[kdock] network: none", QEMU]);
    expect(state.noGdbserver).toBe("its port is open");
    expect(news).toEqual(["gdbserver: off, because its port is open", "network: none"]);
    expect(read([QEMU, line]).state.noGdbserver).toBeUndefined();
  });

  it("is over when QEMU starts: the same words of a guest are its own", () => {
    const { news, state } = read([QEMU, "[kdock] accelerator: kvm", "[kdock] error: no tap"]);
    expect(news).toEqual([]);
    expect(state.refusal).toBeUndefined();
  });
});

describe("what /init says", () => {
  it("is news while it boots: scripts that fail, host folders, as the guest's words", () => {
    const share = "the host folder for /mnt/data could not be mounted: no such device";
    expect(read([QEMU, `init: ${share}`, FAILED]).news).toEqual([
      `the guest says: ${share}`,
      `the init script ${A} failed with exit code 3`,
    ]);
  });

  it("is no news once it has booted", () => {
    const { news, state } = read([QEMU, BOOTED, FAILED, STRICT, "init: the host folder for /x"]);
    expect(news).toEqual([]);
    expect(state).toMatchObject({ hasBooted: true, strict: undefined });
  });
});

describe("the script that ended the boot", () => {
  it("is known though its begin is no more there", () => {
    const said = ["no such device", STRICT, "reboot: Power down"];
    const { strict } = consoleState(CONSOLE_GOES_ON, said);
    expect(strict && failureText(strict)).toBe(
      `the init script ${A} failed with exit code 3\n  | no such device`,
    );
  });

  it("is none where the boot went on", () => {
    expect(consoleState(CONSOLE_GOES_ON, [FAILED]).strict).toBeUndefined();
  });
});
