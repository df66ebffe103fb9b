import { describe, expect, it } from "vitest";
import type { Share } from "../../../../src/config/config.js";
import { plannedArgs } from "../../../../src/vm/plan/qemu-args.js";
import { FIRST_SLOT } from "../../../../src/vm/plan/slots.js";
import {
  shareArgs,
  type SharePlan,
  sharePlans,
  shareText,
  type ShareTransport,
  shareTransport,
  shareFacts,
  shareWords,
} from "../../../../src/vm/plan/shares.js";
import { machine } from "../../../../src/vm/plan/vm-plan.js";
import { config } from "../../fixtures.js";

const LAB = "/home/ada/lab";
const DEBUG = ["CONFIG_NETWORK_FILESYSTEMS", "CONFIG_NET_9P", "CONFIG_NET_9P_VIRTIO"]
  .concat("CONFIG_9P_FS", "CONFIG_FUSE_FS", "CONFIG_VIRTIO_FS")
  .map((option) => `${option}=y`);
const without = (...options: readonly string[]) =>
  DEBUG.map((line) => {
    const name = line.slice(0, -2);
    return options.includes(name) ? `# ${name} is not set` : line;
  }).join("\n");

const plans = (yaml: string) => sharePlans(config(`vm: { shares: ${yaml} }`).vm.shares, LAB);
const mode = { paused: false, command: false };

describe("sharePlans", () => {
  it("finds folders from the project's, and names those that only it can name", () => {
    const found = plans('[".", "../src:rw", "/srv/x"]');
    expect(found.map(({ folder, mountPoint }) => [folder, mountPoint])).toEqual([
      ["/home/ada/lab/.", "/mnt/lab"],
      ["/home/ada/lab/../src", "/mnt/src"],
      ["/srv/x", "/mnt/x"],
    ]);
    expect(plans("[..]")[0]?.mountPoint).toBe("/mnt/ada");
  });

  it("mounts what lies in another share behind it", () => {
    const found = plans("['b:/mnt/a/b', 'a:/mnt/a']");
    expect(found.map(({ tag, mountPoint }) => [tag, mountPoint])).toEqual([
      ["share0", "/mnt/a"],
      ["share1", "/mnt/a/b"],
    ]);
  });

  it("refuses what only the project's folder shows to be wrong", () => {
    expect(() => plans("['.', 'x:/mnt/lab']")).toThrow("vm.shares: /mnt/lab is given twice");
    expect(() => plans("['../../..']")).toThrow("has no name to call it by");
    const long: Share = { folder: ".", mountPoint: undefined, writable: false };
    expect(() => sharePlans([long], `/${"x".repeat(250)}`)).toThrow("longer than 200 bytes");
  });

  it("tells people", () => {
    const [one, two] = plans("['a:rw', b]").map(shareText);
    expect(one).toBe("/home/ada/lab/a on /mnt/a (read-write)");
    expect(two).toBe("/home/ada/lab/b on /mnt/b (read-only)");
  });
});

describe("shareTransport", () => {
  it("is virtiofs where the kernel has it, and 9p otherwise", () => {
    expect(shareTransport(without())).toBe("virtiofs");
    expect(shareTransport(without("CONFIG_VIRTIO_FS"))).toBe("9p");
    expect(shareTransport(without("CONFIG_9P_FS"))).toBe("virtiofs");
    expect(shareTransport(without("CONFIG_FUSE_FS").replace("VIRTIO_FS=y", "VIRTIO_FS=m"))).toBe(
      "9p",
    );
  });

  it("names what a kernel lacks that has neither, as preset tiny", () => {
    const tiny = () => shareTransport(["CONFIG_NET=y", "CONFIG_INET=y"].join("\n"));
    expect(tiny).toThrow(
      "CONFIG_NETWORK_FILESYSTEMS=y, CONFIG_NET_9P=y, CONFIG_NET_9P_VIRTIO=y, CONFIG_9P_FS=y",
    );
    expect(tiny).toThrow(
      expect.objectContaining({
        code: "config",
        hint: expect.stringContaining("--set CONFIG_9P_FS=y") as unknown,
      }),
    );
    const module = without("CONFIG_VIRTIO_FS").replace("CONFIG_9P_FS=y", "CONFIG_9P_FS=m");
    expect(() => shareTransport(module)).toThrow("needs CONFIG_9P_FS=y, which");
  });
});

describe("what QEMU and the guest are told", () => {
  const folders = plans("['a, b:/mnt/100% *é:rw', b]");
  const attached = (transport: ShareTransport, shared: readonly SharePlan[]) => ({
    ...{ shares: { folders: shared, transport }, disks: [] },
  });

  it("has no name of the user's in QEMU's options, whose commas it would be taken for", () => {
    expect(shareArgs({ folders, transport: "9p" })).toEqual([
      "-fsdev",
      "local,id=share0,path=/shares/share0,security_model=none,multidevs=remap",
      ...["-device", "virtio-9p-pci,fsdev=share0,mount_tag=share0"],
      "-fsdev",
      "local,id=share1,path=/shares/share1,security_model=none,multidevs=remap,readonly=on",
      ...["-device", "virtio-9p-pci,fsdev=share1,mount_tag=share1"],
    ]);
    expect(shareArgs({ folders, transport: "virtiofs" }).slice(0, 4)).toEqual([
      ...["-chardev", "socket,id=share0,path=/run/kdock/share0.sock"],
      ...["-device", "vhost-user-fs-pci,chardev=share0,tag=share0"],
    ]);
  });

  it("has every name as one word without a letter that a shell or the kernel minds", () => {
    expect(shareWords({ folders, transport: "9p" })).toEqual([
      "share0,9p,rw,/mnt/100%25%20%2a%c3%a9",
      "share1,9p,ro,/mnt/b",
    ]);
    expect(shareFacts({ folders, transport: "virtiofs" })).toBe(
      "share0,virtiofs,rw,/mnt/100%25%20%2a%c3%a9,/shares/share0,/run/kdock/share0.sock " +
        "share1,virtiofs,ro,/mnt/b,/shares/share1,/run/kdock/share1.sock",
    );
  });

  it("shares the guest's memory with virtiofsd, and with nobody else", () => {
    const line = (transport: ShareTransport, shared = folders, yaml = "") =>
      plannedArgs(machine(config(yaml), mode, FIRST_SLOT, attached(transport, shared))).join(" ");
    const nodes = (transport: ShareTransport) =>
      line(transport, folders, "vm: { cpus: 2, numa: 2 }");
    expect(line("virtiofs")).toContain("memory-backend-memfd,id=ram,share=on,size=512M -machine");
    expect(line("9p")).not.toContain("memfd");
    expect(nodes("virtiofs")).toMatch(
      /memory-backend-memfd,id=node1,share=on,size=256M -numa node,nodeid=1,cpus=1-1,memdev=node1/,
    );
    expect(nodes("virtiofs")).not.toContain("memory-backend=ram");
    expect(nodes("9p")).toContain("memory-backend-ram,id=node1,size=256M");
    expect(line("virtiofs", [])).not.toContain("memfd");
    expect(line("9p")).toContain("kdock.share=share1,9p,ro,/mnt/b");
  });

  it("is refused where the kernel would cut it off", () => {
    const many = plans(
      `[${Array.from({ length: 12 }, (_, i) => `'a:/mnt/${i}${"x".repeat(180)}'`).join(", ")}]`,
    );
    const made = () => machine(config(), mode, FIRST_SLOT, attached("9p", many));
    expect(made).toThrow("the kernel takes 2047");
  });
});
