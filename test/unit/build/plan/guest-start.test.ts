import { describe, expect, it } from "vitest";
import {
  ignoredInitParameter,
  guestInit,
  whyNoAgent,
} from "../../../../src/build/plan/guest-start.js";
import type { OverlayEntry } from "../../../../src/build/plan/overlay.js";
import { overlayFile } from "../../fixtures.js";

const OURS = guestInit([overlayFile("etc/motd", "")]);
const OWN = guestInit([overlayFile("init", "#!/bin/sh\n", 0o755)]);
const OWN_LINK = guestInit([{ path: "init", kind: "symlink", target: "sbin/init" }]);
const OWN_WITH_AGENT = guestInit([
  overlayFile("init", "#!/bin/sh\nexec /lib/start\n", 0o755),
  overlayFile("lib/start", "kdock-agent &", 0o755),
]);

function words(append = "", change: { qemu?: readonly string[]; kernelConfig?: string } = {}) {
  return { append, qemu: [], kernelConfig: undefined, ...change };
}

describe("whyNoAgent", () => {
  it.each<[string, typeof OURS, ReturnType<typeof words>]>([
    ["kdock's init", OURS, words()],
    ["kdock's init by its name", OURS, words("rdinit=/init")],
    ["an own init that starts the agent", OWN_WITH_AGENT, words()],
    ["the last parameter", OURS, words("rdinit=/bin/sh rdinit=/init")],
    ["arguments of the first process", OURS, words("-- rdinit=/bin/sh")],
    ["quoted text in a parameter", OURS, words('foo="x rdinit=/bin/sh"')],
  ])("is undefined for %s", (_what, init, settings) => {
    expect(whyNoAgent(init, settings)).toBeUndefined();
  });

  it.each<[string, typeof OURS, ReturnType<typeof words>, RegExp]>([
    ["an own init", OWN, words(), /^rootfs\.overlay has its own \/init/],
    ["an init that is a link", OWN_LINK, words(), /^rootfs\.overlay has its own \/init/],
    ["rdinit=", OURS, words("quiet rdinit=/bin/sh"), /^vm\.append sets rdinit=\/bin\/sh/],
    ["rdinit= in quotes", OURS, words('rdinit="/bin/sh"'), /^vm\.append sets rdinit=\/bin\/sh/],
    [
      "the built-in command line",
      OURS,
      words("", { kernelConfig: 'CONFIG_CMDLINE="a rdinit=/bin/sh"\n' }),
      /^CONFIG_CMDLINE sets/,
    ],
    ["QEMU's -append", OURS, words("", { qemu: ["-append", "rdinit=/bin/sh"] }), /^vm\.qemu sets/],
    ["another root", OURS, words("", { qemu: ["-initrd", "x"] }), /replaces kdock's -initrd/],
  ])("reports %s", (_what, init, settings, reason) => {
    expect(whyNoAgent(init, settings)).toMatch(reason);
  });

  it("ignores a folder named init", () => {
    const folder: OverlayEntry = { path: "init", kind: "directory", mode: 0o755 };
    expect(guestInit([folder]).isOwn).toBe(false);
  });
});

it("ignoredInitParameter reports init=, unless rdinit= is set, too", () => {
  expect(ignoredInitParameter(words("init=/bin/sh"))).toMatch(
    /^vm\.append: init=\/bin\/sh has no effect/,
  );
  expect(ignoredInitParameter(words("init=/bin/sh rdinit=/x"))).toBeUndefined();
  expect(ignoredInitParameter(words("kdock.init=/bin/sh"))).toBeUndefined();
});
