import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createNodeHost } from "../../../../src/host/node-host.js";
import type { ContainerSpec } from "../../../../src/core/plan/container-spec.js";
import { LABEL, labels } from "../../../../src/core/plan/names.js";
import type { VmFacts } from "../../../../src/vm/plan/vm-facts.js";
import type { Context } from "../../../../src/core/steps/context.js";
import type { StartedVm } from "../../../../src/vm/steps/start-vm.js";
import { startVm, startVms } from "../../../../src/vm/steps/start-vms.js";
import { config, plan } from "../../fixtures.js";
import { FakeEngine } from "../../fake-engine.js";

let folder = "";
let notices: string[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdock-start-"));
  notices = [];
  for (const [stage, key, file] of [
    ["kernel", plan().kernel.key, "bzImage"],
    ["rootfs", plan().rootfs.key, "rootfs.cpio"],
  ] as const) {
    await mkdir(join(folder, ".kdock/out", stage, key), { recursive: true });
    await writeFile(join(folder, ".kdock/out", stage, key, file), file);
  }
});

afterEach(() => rm(folder, { recursive: true }));

function context(fake: FakeEngine, onHeldLock: () => void = () => undefined): Context {
  const host = createNodeHost({ env: {} });
  const lock = async (path: string, what: string) => {
    try {
      return await host.files.lock(path, what);
    } catch (error) {
      onHeldLock();
      throw error;
    }
  };
  return {
    host: {
      ...{ ...host, files: { ...host.files, lock } },
      ifKilled: () => ({ cancel: () => undefined }),
    },
    ...{ folder, self: [], signal: new AbortController().signal },
    reporter: { emit: (event: { text?: string }) => notices.push(event.text ?? "") },
    engine: () => Promise.resolve(fake.engine),
  } as unknown as Context;
}

/** What kdock's agent takes. */
const GUEST_CONFIG = [
  ...["BLK_DEV_INITRD", "BINFMT_ELF", "BINFMT_SCRIPT", "TTY", "PRINTK", "SERIAL_8250_CONSOLE"],
  ...["PCI", "VIRTIO_PCI", "VIRTIO_CONSOLE", "SYSFS", "DEVTMPFS", "SIGNALFD"],
]
  .map((name) => `CONFIG_${name}=y\n`)
  .join("");

const MODE = { paused: false, command: false };
const numbered = (count: number, letter = "v") =>
  Array.from({ length: count }, (_, index) => `${letter}${index}`);

function start(fake: FakeEngine, names: readonly string[], yaml = "gdb: { listen: 0 }") {
  return startVms(context(fake), plan(yaml), { names, config: config(yaml), mode: MODE });
}

async function started(fake: FakeEngine, names: readonly string[]): Promise<VmFacts[]> {
  const { vms, met } = start(fake, names);
  const all = await Promise.all(vms);
  await met;
  return all.map(({ facts }) => facts);
}

const factsIn = ({ labels }: ContainerSpec) => JSON.parse(labels[LABEL.vm] ?? "{}") as VmFacts;

describe("VMs that start together", () => {
  it("cost the engine so many calls each, however many they are", async () => {
    const cost = async (count: number) => {
      const fake = new FakeEngine();
      await started(fake, numbered(count));
      expect(fake.running()).toHaveLength(count);
      return fake.calls.length;
    };
    const [few, some, many] = [await cost(5), await cost(10), await cost(30)];
    expect(many - some).toBe(4 * (some - few));
    expect((some - few) / 5).toBeLessThan(15);
  });

  it("are made a few at a time", async () => {
    const fake = new FakeEngine();
    let letGo: () => void = () => undefined;
    fake.held = new Promise((resolve) => (letGo = resolve));
    fake.before = () => {
      if (fake.most === 4) letGo();
      return Promise.resolve();
    };
    await started(fake, numbered(30));
    expect(fake.most).toBe(4);
  });

  it("have addresses of their own, in the order of their names", async () => {
    const facts = await started(new FakeEngine(), numbered(30));
    expect(facts.map(({ address }) => address)).toEqual(
      numbered(30).map((_, i) => `10.0.3.${i + 2}`),
    );
  });

  it("of two kdocks at once have addresses of their own, too", async () => {
    const fake = new FakeEngine();
    const both = await Promise.all([
      started(fake, numbered(8, "a")),
      started(fake, numbered(8, "b")),
    ]);
    expect(new Set(both.flat().map(({ address }) => address)).size).toBe(16);
    expect(new Set(both.flat().map(({ subnet }) => subnet)).size).toBe(1);
  });

  it("do without one that does not start, which alone fails", async () => {
    const fake = new FakeEngine((spec) =>
      factsIn(spec).slot.name === "v1" ? "port is already allocated" : undefined,
    );
    const { vms, met } = start(fake, numbered(6));
    const ends = await Promise.allSettled(vms);
    await met;
    expect(ends.map(({ status }) => status === "fulfilled")).toEqual([
      true,
      false,
      true,
      true,
      true,
      true,
    ]);
    expect(ends[1]).toMatchObject({ reason: { message: "port is already allocated" } });
    expect(fake.running()).toHaveLength(5);
    expect(fake.networks.size).toBe(2);
  });

  it("leave no network when none of them starts", async () => {
    const fake = new FakeEngine(() => "no");
    const { vms, met } = start(fake, numbered(6));
    const ends = await Promise.allSettled(vms);
    await met;
    expect(ends.every(({ status }) => status === "rejected")).toBe(true);
    expect(fake.running()).toEqual([]);
    expect([...fake.networks]).toEqual([]);
  });

  it("hear once that the engine refuses what was asked for, and do not ask for it again", async () => {
    let asked = 0;
    const fake = new FakeEngine(({ privileged }) => {
      if (privileged) asked += 1;
      return privileged ? "unable to apply caps" : undefined;
    });
    await started(fake, numbered(30));
    expect(fake.running()).toHaveLength(30);
    expect(asked).toBeLessThanOrEqual(4);
    expect(notices.filter((text) => text.includes("unable to apply caps"))).toHaveLength(1);
  });
});

describe("a VM", () => {
  const order = { name: "a", config: config(), mode: MODE };

  it("is started by one kdock at a time, and not twice", async () => {
    const fake = new FakeEngine();
    let letGo: () => void = () => undefined;
    fake.held = new Promise((resolve) => (letGo = resolve));
    const first = startVm(context(fake), plan(), order);
    await expect.poll(() => fake.calls.includes("start")).toBe(true);
    const again = () => startVm(context(fake), plan(), order);
    await expect(again()).rejects.toThrow(/^a start of the VM a is running \(pid/);
    letGo();
    await first;
    await expect(again()).rejects.toThrow("the VM a is already running");
    expect(fake.running()).toHaveLength(1);
  });

  it("is told to those that ran before", async () => {
    const fake = new FakeEngine();
    await started(fake, numbered(3));
    const before = fake.calls.filter((call) => call === "exec").length;
    await startVm(context(fake), plan(), order);
    // Itself as it starts, then all.
    expect(fake.calls.filter((call) => call === "exec").length - before).toBe(1 + 4);
  });

  it("keeps the network that another kdock, whose last VM has ended, is about to remove", async () => {
    const fake = new FakeEngine();
    const first = await startVm(context(fake), plan(), order);
    let second: Promise<StartedVm> | undefined;
    fake.before = async (call) => {
      if (call !== "removeNetwork" || second !== undefined) return;
      // Goes on until it has its network, or waits for this removal.
      await new Promise<void>((resolve) => {
        fake.before = (call) => {
          if (call === "ensureNetwork") resolve();
          return Promise.resolve();
        };
        second = startVm(context(fake, resolve), plan(), { ...order, name: "b" });
        second.catch(() => undefined);
      });
    };
    await first[Symbol.asyncDispose]();
    await expect(second).resolves.toMatchObject({ facts: { address: "10.0.3.2" } });
    expect([...fake.networks.keys()]).toEqual([plan().names.network]);
  });

  it("has the slot of one whose kdock was killed while it started", async () => {
    await mkdir(join(folder, ".kdock/starting"), { recursive: true });
    const left = { slot: { name: "gone", index: 0 }, net: "host", subnet: "10.9.0.0/24" };
    await writeFile(join(folder, ".kdock/starting/gone.json"), JSON.stringify(left));
    const { facts } = await startVm(context(new FakeEngine()), plan(), order);
    expect(facts).toMatchObject({ address: "10.0.3.2", subnet: "10.0.3.0/24" });
  });

  it("meets others on a network without the engine's host, also where an older kdock left one", async () => {
    const { names } = plan();
    const older = { labels: labels("lan", names.id), mtu: undefined };
    const fake = new FakeEngine();
    fake.networks.set(names.lan, older);
    await started(fake, ["a", "b"]);
    expect(fake.networks.get(names.lan)?.isolated).toBe(true);
    const busy = new FakeEngine();
    busy.networks.set(names.lan, older);
    busy.busyNetworks.add(names.lan);
    await started(busy, ["c", "d"]);
    expect(busy.networks.get(names.lan)).toBe(older);
  });

  it.each([
    ["# CONFIG_PVPANIC_PCI is not set\n", "none"],
    ["CONFIG_PVPANIC_PCI=y\n", "before-agent"],
  ])("is told that its kernel was built with %j", async (lines, driver) => {
    const config = `${GUEST_CONFIG}${lines}`;
    await writeFile(join(folder, ".kdock/out/kernel", plan().kernel.key, "config"), config);
    const fake = new FakeEngine();
    await startVm(context(fake), plan(), order);
    const [spec] = fake.specs();
    expect(spec?.env["KDOCK_PANIC_DRIVER"]).toBe(driver);
  });

  it("takes over the MTU that dockerd gives the engine's own bridge, and its network between VMs that one", async () => {
    const fake = new FakeEngine();
    fake.networks.set("bridge", { labels: {}, mtu: 1400 });
    await started(fake, ["a", "b"]);
    const { names } = plan();
    expect(fake.networks.get(names.network)?.mtu).toBe(1400);
    expect(fake.networks.get(names.lan)?.mtu).toBe(1400);
    const usual = new FakeEngine();
    usual.networks.set("bridge", { labels: {}, mtu: 1500 });
    await started(usual, ["c"]);
    expect(usual.networks.get(names.network)?.mtu).toBeUndefined();
  });
});
