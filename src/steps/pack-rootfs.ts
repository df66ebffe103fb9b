import { packCpio } from "../archive/cpio.js";
import { type RootfsEntry, rootfsEntries, type RootfsPlan } from "../plan/rootfs-plan.js";
import type { UserFiles } from "../plan/user-files.js";
import { artifactFolder, type Manifest, manifestFile, storeArtifacts } from "./artifact-store.js";
import type { Context } from "./context.js";

/** Packs the initramfs from the busybox artifacts, images/rootfs/tree and the overlay. */
export async function packRootfs(
  ctx: Context,
  plan: RootfsPlan,
  busyboxKey: string,
  user: UserFiles,
): Promise<Manifest> {
  const busybox = artifactFolder(ctx, "busybox", busyboxKey);
  const agent = await ctx.host.files.readBytes(`${busybox}/kdock-agent`);
  const tree = await installTree(ctx, `${busybox}/install`);
  const cpio = packCpio(
    rootfsEntries(tree, agent, ctx.assets, user.overlay).map((entry) =>
      entry.kind === "file" ? { ...entry, mode: entry.executable ? 0o755 : 0o644 } : { ...entry },
    ),
  );
  return storeArtifacts(
    ctx,
    { stage: "rootfs", key: plan.key, inputs: plan.inputs, resolved: {} },
    async (folder) => {
      await ctx.host.files.writeAtomic(`${folder}/rootfs.cpio`, cpio);
      return [manifestFile("rootfs.cpio", cpio)];
    },
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
