import type { FoundContainer } from "../../engine/quick-engine.js";
import { builtKernel } from "../../build/plan/built-kernels.js";
import { FOLDER, labels } from "../../core/plan/names.js";
import {
  artifactKeys,
  readCurrentManifest,
  readManifest,
} from "../../core/steps/artifact-store.js";
import { inProject } from "../../core/steps/context.js";
import { readLooseText } from "../../core/steps/read-loose-text.js";
import type { GuestContext } from "../../guest/steps/guest-context.js";
import type { HostFiles } from "../../host/host.js";
import { factsOf } from "../../vm/steps/choose-vm.js";
import { functionNames, optionNames, optionSettings } from "../plan/kernel-names.js";
import type { NameKind } from "../plan/values.js";
import type { Candidate } from "../plan/wanted.js";

export interface NameContext {
  readonly guests: Pick<GuestContext, "quickEngine" | "names">;
  readonly files: HostFiles;
  /** Absolute path of kdock.yaml, which need not be there. */
  readonly configPath: string;
  readonly folder: string;
}

/** `typed` narrows what is long to list; the result may have other names as well. */
export async function findNames(
  ctx: NameContext,
  kinds: readonly NameKind[],
  typed: string,
): Promise<Candidate[]> {
  const found = await Promise.all(kinds.map((kind) => FINDERS[kind](ctx, typed)));
  return found.flat();
}

type Finder = (ctx: NameContext, typed: string) => Promise<Candidate[]>;

const FINDERS: Readonly<Record<NameKind, Finder>> = {
  "running-vm": async (ctx) => named(await runningVms(ctx)),
  vm: async (ctx) => named(await vms(ctx)),
  "guest-path": async (ctx) =>
    [":", ...named(await runningVms(ctx)).map(({ value }) => `${value}:`)].map((value) => ({
      value,
      about: "path of the guest",
    })),
  "configured-vm": async (ctx) => keysOf(await configured(ctx, ["vms"])),
  "configured-option": async (ctx) => keysOf(await configured(ctx, ["kernel", "set"])),
  "kernel-key": kernelKeys,
  "any-key": async (ctx) => {
    const stages = ["busybox", "rootfs", "set"].map(async (stage) =>
      (await artifactKeys(placeOf(ctx), stage)).map((value) => ({ value, about: stage })),
    );
    const current = { value: "current", about: "the set that kdock run boots" };
    return [current, ...(await kernelKeys(ctx)), ...(await Promise.all(stages)).flat()];
  },
  "kernel-option": async (ctx, typed) => optionNames(await kernelText(ctx, "config"), typed),
  "kernel-setting": async (ctx, typed) => optionSettings(await kernelText(ctx, "config"), typed),
  function: async (ctx, typed) => functionNames(await kernelText(ctx, "System.map"), typed),
  module: async (ctx) => {
    const { moduleNames } = await import("../../build/steps/module-store.js");
    return (await moduleNames(placeOf(ctx))).map((value) => ({ value, about: "module" }));
  },
};

async function vms({ guests }: NameContext): Promise<FoundContainer[]> {
  const engine = await guests.quickEngine();
  return engine.findContainers(labels("vm", guests.names.id));
}

async function runningVms(ctx: NameContext): Promise<FoundContainer[]> {
  return (await vms(ctx)).filter(({ running }) => running);
}

function named(found: readonly FoundContainer[]): Candidate[] {
  return found.map((vm) => ({ value: factsOf(vm).slot.name, about: vm.status }));
}

async function kernelKeys(ctx: NameContext): Promise<Candidate[]> {
  const place = placeOf(ctx);
  const current = (await readCurrentManifest(place, "kernel"))?.key;
  const keys = await artifactKeys(place, "kernel");
  const manifests = await Promise.all(keys.map((key) => readManifest(place, "kernel", key)));
  return manifests
    .filter((manifest) => manifest !== undefined)
    .map((manifest) => {
      const is = { builtAt: 0, current: manifest.key === current };
      const { key, release, source, preset } = builtKernel(manifest, is);
      return { value: key, about: `${release}, ${source}, ${preset}${is.current ? " *" : ""}` };
    });
}

function placeOf({ folder, files }: NameContext) {
  return { folder, host: { files } };
}

/** A file of the kernel that was built last; "" without one. */
async function kernelText(ctx: NameContext, file: string): Promise<string> {
  return (await readLooseText(ctx.files, inProject(ctx, `${FOLDER.current}/kernel/${file}`))) ?? "";
}

async function configured(ctx: NameContext, path: readonly string[]): Promise<unknown> {
  const text = await ctx.files.readText(ctx.configPath);
  if (text === undefined) return undefined;
  const [{ parseConfig }, { valueAt }] = await Promise.all([
    import("../../config/load.js"),
    import("../../config/layer.js"),
  ]);
  return valueAt(parseConfig(text, ctx.configPath).values, path);
}

function keysOf(map: unknown): Candidate[] {
  return Object.keys(map ?? {}).map((value) => ({ value, about: "" }));
}
