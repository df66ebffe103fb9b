import { Duplex, PassThrough } from "node:stream";
import { describe, expect, it } from "vitest";
import type { Project } from "../../../../src/build/project.js";
import type { Context } from "../../../../src/core/steps/context.js";
import { INSIDE, LABEL, labels } from "../../../../src/core/plan/names.js";
import { capture } from "../../../../src/network/steps/capture.js";
import { namesOf } from "../../../../src/network/steps/net-check/checked.js";
import { shapeNet } from "../../../../src/network/steps/net-shape.js";
import { plan } from "../../fixtures.js";

/** Ends at once without output, and discards its input. */
function silent(): Duplex {
  return new Duplex({
    read() {
      this.push(null);
    },
    write(_chunk, _encoding, done) {
      done();
    },
  });
}

/** A project with VMs of these names; `ran`: the commands run in their containers, each after the VM's name. */
function project(...names: readonly string[]): { project: Project; ran: string[][] } {
  const ran: string[][] = [];
  const vms = names.map((name) => ({
    ...{ id: name, name, running: true, status: "Up", ports: [] },
    labels: {
      ...labels("vm", plan().names.id),
      [LABEL.vm]: JSON.stringify({ slot: { name, index: 0 }, net: "bridge" }),
    },
  }));
  const container = (id: string) => ({
    exec: (argv: readonly string[]) => {
      ran.push([id, ...argv]);
      const [stream, stderr] = [silent(), silent()];
      return Promise.resolve({ stream, stderr, exitCode: () => Promise.resolve(0) });
    },
  });
  const ctx = {
    signal: new AbortController().signal,
    reporter: { emit: () => undefined, pause: () => undefined },
    ...{ stdout: new PassThrough().resume(), stderr: new PassThrough().resume() },
    engine: () => Promise.resolve({ listContainers: () => Promise.resolve(vms), container }),
  } as unknown as Context;
  return { project: { ctx, plan: plan() } as Project, ran };
}

const CAPTURE = { to: undefined, force: false, side: "guest", count: undefined, more: [] } as const;

describe("capture", () => {
  const captured = async (vm: string | undefined, ...words: string[]) => {
    const { project: both, ran } = project("a", "icmp");
    await capture(both, { ...CAPTURE, vm, words });
    const [name, ...argv] = ran[0] ?? [];
    expect(argv.slice(0, 3)).toEqual(["sh", INSIDE.captureScript, "guest"]);
    return [name, argv[3]];
  };

  it("takes all words as the filter if --vm is given", async () => {
    expect(await captured("a", "tcp", "port", "80")).toEqual(["a", "tcp port 80"]);
    expect(await captured("a", "icmp")).toEqual(["a", "icmp"]);
    expect(await captured("icmp")).toEqual(["icmp", ""]);
  });

  it("takes the first word as the VM if a VM has that name and --vm is not given", async () => {
    expect(await captured(undefined, "a", "tcp", "port", "80")).toEqual(["a", "tcp port 80"]);
    await expect(captured(undefined, "udp")).rejects.toThrow("several VMs");
  });

  it("rejects the name of an unknown VM", async () => {
    await expect(captured("b", "udp")).rejects.toMatchObject({
      ...{ code: "usage", message: "this project has no VM b", hint: "There is a, icmp." },
    });
  });
});

describe("net shape", () => {
  const shaped = async (vm: string | undefined, ...words: string[]) => {
    const { project: both, ran } = project("a", "rate");
    const { vm: name } = await shapeNet(both, { vm, words });
    const [first = []] = ran;
    return [name, ...first.slice(3)];
  };

  it("takes all words as parameters if --vm is given", async () => {
    expect(await shaped("a", "delay 10ms", "loss 1%")).toEqual([
      ...["a", "tc", "delay", "10ms", "loss", "1%"],
    ]);
    expect(await shaped("a", "rate", "1mbit")).toEqual(["a", "tc", "rate", "1mbit"]);
    expect(await shaped("rate", "off")).toEqual(["rate", "off"]);
    expect(await shaped("rate")).toEqual(["rate", "show"]);
  });

  it("takes the first word as the VM if --vm is not given", async () => {
    expect(await shaped(undefined, "a", "off")).toEqual(["a", "off"]);
    await expect(shaped(undefined, "b", "off")).rejects.toThrow("this project has no VM b");
    await expect(shaped(undefined, "delay", "1ms")).rejects.toThrow("several VMs");
  });
});

it("commands in hints select the VM if there are several", () => {
  const vm = { name: "kdock-x-vm-a", labels: { [LABEL.vm]: '{"slot":{"name":"a","index":0}}' } };
  const names = (isOneOfSeveral: boolean) => namesOf(vm as never, isOneOfSeveral);
  expect(names(true)).toMatchObject({ vm: "a", suffix: " --vm a", exec: "kdock exec --vm a --" });
  expect(names(false)).toMatchObject({ vm: "a", suffix: "", exec: "kdock exec --" });
});
