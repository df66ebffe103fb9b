import { describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/layers.js";
import { flagsForVm } from "../../../src/config/vm-flags.js";
import { parseShare } from "../../../src/config/shares.js";
import { configFor } from "../../../src/vm/plan/vm-plan.js";
import { inFile, problemsOf } from "./problems-of.js";

describe("parseShare", () => {
  it.each([
    ["./dir", "./dir", "/mnt/dir", false],
    ["dir/", "dir/", "/mnt/dir", false],
    ["dir:rw", "dir", "/mnt/dir", true],
    ["dir:ro", "dir", "/mnt/dir", false],
    ["/srv/a/../b:rw", "/srv/a/../b", "/mnt/b", true],
    ["dir:/data", "dir", "/data", false],
    ["dir:/mnt//x/./y/:rw", "dir", "/mnt/x/y", true],
    ["my data, too:/mnt/a b", "my data, too", "/mnt/a b", false],
    ["my data, too", "my data, too", "/mnt/my data, too", false],
    ["ro:rw", "ro", "/mnt/ro", true],
    [".", ".", undefined, false],
    ["..:rw", "..", undefined, true],
    ["a/../..", "a/../..", undefined, false],
    ["/", "/", undefined, false],
    ["/:/mnt/host", "/", "/mnt/host", false],
    ["dir:/run/x", "dir", "/run/x", false],
  ])("reads %s", (text, folder, mountPoint, writable) => {
    expect(parseShare(text)).toEqual({ value: { folder, mountPoint, writable } });
  });

  it.each([
    ["", "expected FOLDER"],
    [":/mnt/x", "expected FOLDER"],
    ["dir:", '"" is neither ro nor rw'],
    ["dir:rx", '"rx" is neither ro nor rw'],
    ["dir:RW", '"RW" is neither ro nor rw'],
    ["dir:mnt/x", "mount point, which begins with /"],
    ["dir:/mnt/x:", '"" is neither ro nor rw'],
    ["dir:/a:/b", "expected FOLDER"],
    ["dir:/a:ro:rw", "expected FOLDER"],
    ["dir:/mnt/../etc", 'no ".."'],
    ["dir:/", "/ is the guest's own"],
    ["dir://", "/ is the guest's own"],
    ["dir:/proc", "/proc is the guest's own"],
    ["dir:/dev/shm", "/dev/shm is the guest's own"],
    ["dir:/usr/", "/usr is the guest's own"],
    ["dir:/mnt/a\nb", "control character"],
    [`dir:/${"x".repeat(200)}`, "longer than 200 bytes"],
    ["é".repeat(100), "longer than 200 bytes"],
  ])("refuses %j", (text, problem) => {
    const parsed = parseShare(text);
    expect("problem" in parsed ? parsed.problem : "").toContain(problem);
  });
});

describe("vm.shares", () => {
  it("names the place of a mount point that is given twice, whichever way it is spelt", () => {
    const bad = "vm:\n  shares: [a, 'b/a:rw']\nvms:\n  x: { shares: ['a:/mnt/b/', b] }\n";
    expect(problemsOf(inFile(bad))).toEqual([
      expect.stringMatching(/kdock.yaml:2:15: vm.shares\[1\]: \/mnt\/a is given twice/),
      expect.stringMatching(/kdock.yaml:4:30: vms.x.shares\[1\]: \/mnt\/b is given twice/),
    ]);
  });

  it("takes as many as the machine has slots for", () => {
    const list = Array.from({ length: 17 }, (_, index) => `d${index}`).join(", ");
    expect(problemsOf(inFile(`vm: { shares: [${list}] }`))).toEqual([
      expect.stringContaining("vm.shares: a VM has 16 shares at most"),
    ]);
  });

  it("comes from the environment and from flags, whose commas belong to names", () => {
    const env = loadConfig({ env: { KDOCK_VM_SHARES: "a:rw,b:/mnt/c" } });
    expect(env.vm.shares.map((share) => share.mountPoint)).toEqual(["/mnt/a", "/mnt/c"]);
    const flags = loadConfig({ flags: { vm: { shares: ["a, b"] } } });
    expect(flags.vm.shares.map((share) => share.folder)).toEqual(["a, b"]);
  });

  it("is each VM's own where it says so, and the flag's where that is typed", () => {
    const yaml = inFile("vm: { shares: [all] }\nvms: { a: { shares: [own] }, b: }");
    const folders = (config: ReturnType<typeof loadConfig>, name: string) =>
      configFor(config, { name, index: 0 }).vm.shares.map((share) => share.folder);
    const config = loadConfig(yaml);
    expect([folders(config, "a"), folders(config, "b")]).toEqual([["own"], ["all"]]);
    const flags = { vm: { shares: ["typed"] } };
    const typed = flagsForVm(loadConfig({ ...yaml, flags }), "a", flags);
    expect(folders(typed, "a")).toEqual(["typed"]);
  });
});
