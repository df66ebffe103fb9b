import { type CpioEntry, packCpio } from "../archive/cpio.js";
import {
  type RootfsEntry,
  rootfsEntries,
  type RootfsFiles,
  type RootfsPlan,
} from "../plan/rootfs-plan.js";
import type { Manifest } from "../plan/manifest.js";
import { artifactFolder, manifestFile, storeArtifacts } from "./artifact-store.js";
import type { Context } from "./context.js";

/** Packs the initramfs from the busybox artifacts, images/rootfs/tree and what the user gives to it. */
export async function packRootfs(
  ctx: Context,
  plan: RootfsPlan,
  busyboxKey: string,
  user: RootfsFiles,
): Promise<Manifest> {
  const cpio = packCpio(await rootfsFiles(ctx, busyboxKey, user));
  return storeArtifacts(
    ctx,
    { stage: "rootfs", key: plan.key, inputs: plan.inputs, resolved: {} },
    async (folder) => {
      await ctx.host.files.writeAtomic(`${folder}/rootfs.cpio`, cpio);
      return [manifestFile("rootfs.cpio", cpio)];
    },
  );
}

/** Everything that goes into the initramfs, in no particular order. */
export async function rootfsFiles(
  ctx: Context,
  busyboxKey: string,
  user: RootfsFiles,
): Promise<CpioEntry[]> {
  const busybox = artifactFolder(ctx, "busybox", busyboxKey);
  const agent = await ctx.host.files.readBytes(`${busybox}/kdock-agent`);
  const tree = await installTree(ctx, `${busybox}/install`);
  return rootfsEntries(tree, agent, ctx.assets, user).map((entry) =>
    entry.kind === "file" ? { ...entry, mode: entry.executable ? 0o755 : 0o644 } : { ...entry },
  );
}

async function installTree(ctx: Context, folder: string): Promise<RootfsEntry[]> {
  const { files } = ctx.host;
  return Promise.all(
    (await files.tree(folder)).map(async ({ path, kind, mode, target }): Promise<RootfsEntry> => {
      switch (kind) {
        case "directory":
          return { path, kind };
        case "symlink":
          return { path, kind, target };
        case "file":
          return {
            path,
            kind,
            executable: (mode & 0o111) !== 0,
            content: await files.readBytes(`${folder}/${path}`),
          };
      }
    }),
  );
}
