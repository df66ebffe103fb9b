import { FOLDER, LABEL, labels, type Role } from "../../core/plan/names.js";
import type { Plan } from "../../build/plan/plan.js";
import { type Context, inProject } from "../../core/steps/context.js";
import { endHostNet } from "../../vm/steps/host-net.js";

/** One thing kdock made, and how to be rid of it. */
export interface CleanupTarget {
  readonly kind: "container" | "network" | "volume" | "image" | "folder";
  readonly name: string;
  remove(): Promise<void>;
}

/**
 * What `kdock clean` would remove, by label and never by prune: this project's containers, network and object files;
 * with `all` also its sources, compiler cache and .kdock, and the images and compiler cache that projects share.
 */
export async function findCleanupTargets(
  ctx: Context,
  plan: Plan,
  all: boolean,
): Promise<CleanupTarget[]> {
  const engine = await ctx.engine();
  const { id } = plan.names;
  const mine = (role: Role) => labels(role, id);
  const shared = (role: Role) => labels(role, undefined);

  const containers = await Promise.all(
    (["vm", "cpu", "gdb", "memory", "build", "check"] as const).map((role) =>
      engine.listContainers(mine(role)),
    ),
  );
  // Not killed: what it has made on the host goes first.
  const hostNets = [
    ...(await engine.listContainers(mine("hostnet"))),
    ...(await engine.listVolumes(mine("hostnet"))),
  ].map(({ name }) => name);
  const networks = [
    ...(await engine.listNetworks(mine("network"))),
    ...(await engine.listNetworks(mine("lan"))),
  ];
  const volumes = await Promise.all(
    [
      mine("objects"),
      mine("modules"),
      mine("symbols"),
      mine("dump"),
      // Its own cache after all that its code has written to: see `isTainted`.
      ...(all ? [mine("source"), mine("ccache")] : []),
    ].map((wanted) => engine.listVolumes(wanted)),
  );
  // A role alone matches other projects' volumes as well.
  const caches = all
    ? (await engine.listVolumes(shared("ccache"))).filter(
        (volume) => volume.labels[LABEL.project] === undefined,
      )
    : [];
  const roles = [
    "image-kernel",
    "image-busybox",
    "image-vm",
    "image-gdb",
    "image-verify",
    "base",
  ] as const;
  const images = all ? await Promise.all(roles.map((role) => engine.listImages(shared(role)))) : [];
  const state = inProject(ctx, FOLDER.state);
  const folders = all && (await ctx.host.files.exists(state)) ? [state] : [];

  return [
    ...containers.flat().map((container): CleanupTarget => ({
      kind: "container",
      name: container.name,
      remove: () => engine.container(container.id).remove(),
    })),
    ...hostNets.map((name): CleanupTarget => ({
      kind: "container",
      name,
      remove: () => endHostNet(ctx, plan),
    })),
    ...networks.map(({ name }): CleanupTarget => ({
      kind: "network",
      name,
      remove: () => engine.removeNetwork(name),
    })),
    ...[...volumes.flat(), ...caches].map(({ name }): CleanupTarget => ({
      kind: "volume",
      name,
      remove: () => engine.removeVolume(name),
    })),
    ...images.flat().map((image): CleanupTarget => ({
      kind: "image",
      name: image.tags[0] ?? image.id,
      remove: () => engine.removeImage(image.id),
    })),
    ...folders.map((path): CleanupTarget => ({
      kind: "folder",
      name: path,
      remove: () => ctx.host.files.remove(path),
    })),
  ];
}

/** Containers first, because they hold networks and volumes. */
export async function removeCleanupTargets(
  ctx: Context,
  targets: readonly CleanupTarget[],
): Promise<void> {
  for (const leaving of targets) {
    ctx.signal.throwIfAborted();
    await leaving.remove();
  }
}
