import { describe, expect, it } from "vitest";
import { deadInitWord, guestInit, whyNoAgent } from "../../../../src/build/plan/guest-start.js";
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
    ["an own init that names the agent", OWN_WITH_AGENT, words()],
    ["the last word", OURS, words("rdinit=/bin/sh rdinit=/init")],
    ["words for the first process", OURS, words("-- rdinit=/bin/sh")],
    ["words in a longer one", OURS, words('foo="x rdinit=/bin/sh"')],
  ])("is nothing for %s", (_what, init, said) => {
    expect(whyNoAgent(init, said)).toBeUndefined();
  });

  it.each<[string, typeof OURS, ReturnType<typeof words>, RegExp]>([
    ["an own init", OWN, words(), /^rootfs\.overlay brings its own \/init/],
    ["an init that is a link", OWN_LINK, words(), /^rootfs\.overlay brings its own \/init/],
    ["rdinit=", OURS, words("quiet rdinit=/bin/sh"), /^vm\.append says rdinit=\/bin\/sh/],
    ["rdinit= in quotes", OURS, words('rdinit="/bin/sh"'), /^vm\.append says rdinit=\/bin\/sh/],
    [
      "the kernel's own words",
      OURS,
      words("", { kernelConfig: 'CONFIG_CMDLINE="a rdinit=/bin/sh"\n' }),
      /^CONFIG_CMDLINE says/,
    ],
    ["QEMU's words", OURS, words("", { qemu: ["-append", "rdinit=/bin/sh"] }), /^vm\.qemu says/],
    ["another root", OURS, words("", { qemu: ["-initrd", "x"] }), /another -initrd/],
  ])("tells of %s", (_what, init, said, reason) => {
    expect(whyNoAgent(init, said)).toMatch(reason);
  });

  it("takes a folder called init for none", () => {
    const folder: OverlayEntry = { path: "init", kind: "directory", mode: 0o755 };
    expect(guestInit([folder]).isOwn).toBe(false);
  });
});

it("init= is told to have no effect, unless rdinit= is there as well", () => {
  expect(deadInitWord(words("init=/bin/sh"))).toMatch(/^vm\.append: init=\/bin\/sh has no effect/);
  expect(deadInitWord(words("init=/bin/sh rdinit=/x"))).toBeUndefined();
  expect(deadInitWord(words("kdock.init=/bin/sh"))).toBeUndefined();
});
