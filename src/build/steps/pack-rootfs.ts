import { type CpioEntry, packCpio } from "../../archive/cpio.js";
import type { Manifest, ManifestFile } from "../../core/plan/manifest.js";
import type { RootfsEntry } from "../plan/root-tree.js";
import { rootfsEntries, type RootfsFiles, type RootfsPlan } from "../plan/rootfs-plan.js";
import { rootSize } from "../plan/root-size.js";
import { artifactFolder, storeArtifacts, storeStream } from "../../core/steps/artifact-store.js";
import type { Context } from "../../core/steps/context.js";

/** Packs the initramfs from the busybox artifacts, images/rootfs/tree and the user's files. */
export async function packRootfs(
  ctx: Context,
  plan: RootfsPlan,
  busyboxKey: string,
  user: RootfsFiles,
): Promise<Manifest> {
  const entries = await rootfsFiles(ctx, busyboxKey, user);
  return storeArtifacts(
    ctx,
    { stage: "rootfs", key: plan.key, inputs: plan.inputs, resolved: rootSize(entries) },
    async (folder) => [await writeRootfs(ctx, folder, entries)],
  );
}

/** Writes rootfs.cpio into a folder that exists. */
export async function writeRootfs(
  ctx: Context,
  folder: string,
  entries: readonly CpioEntry[],
): Promise<ManifestFile> {
  return storeStream(ctx, folder, "rootfs.cpio", packCpio(entries));
}

/** All entries of the initramfs, unsorted. */
export async function rootfsFiles(
  ctx: Context,
  busyboxKey: string,
  user: RootfsFiles,
): Promise<RootfsEntry[]> {
  const busybox = artifactFolder(ctx, "busybox", busyboxKey);
  const agent = await ctx.host.files.readBytes(`${busybox}/kdock-agent`);
  const tree = await installTree(ctx, `${busybox}/install`);
  return rootfsEntries(tree, agent, ctx.assets, user);
}

/** Modes are normalised: an archive or a repository may have changed them. */
async function installTree(ctx: Context, folder: string): Promise<RootfsEntry[]> {
  const { files } = ctx.host;
  return Promise.all(
    (await files.tree(folder)).map(async ({ path, kind, mode, target }): Promise<RootfsEntry> => {
      switch (kind) {
        case "directory":
          return { path, kind, mode: 0o755 };
        case "symlink":
          return { path, kind, target };
        case "file":
          return {
            ...{ path, kind, mode: (mode & 0o111) === 0 ? 0o644 : 0o755 },
            content: await files.readBytes(`${folder}/${path}`),
          };
      }
    }),
  );
}
