import { copyFile, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { ROOT, run } from "./kdock.js";

export interface Package {
  /** The tarball. */
  readonly path: string;
  /** Its files, without the leading "package/". */
  readonly files: readonly string[];
  remove(): Promise<void>;
}

/** What `npm pack` makes of the working tree: in a copy of it, because it builds and other tests run dist. */
export async function packKdock(): Promise<Package> {
  const folder = await mkdtemp(join(tmpdir(), "kdock-pack-"));
  const tracked = await run(
    "git",
    "-C",
    ROOT,
    "ls-files",
    "--cached",
    "--others",
    "--exclude-standard",
  );
  for (const path of tracked.split("\n")) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await copyFile(join(ROOT, path), join(folder, path));
  }
  await symlink(join(ROOT, "node_modules"), join(folder, "node_modules"));
  // As earlier builds leave it behind.
  await mkdir(join(folder, "dist/old"), { recursive: true });
  await writeFile(join(folder, "dist/old/gone.js"), "");
  await execa("npm", ["pack"], { cwd: folder });
  const [name = ""] = (await readdir(folder)).filter((each) => each.endsWith(".tgz"));
  const path = join(folder, name);
  const listed = await run("tar", "-tzf", path);
  return {
    path,
    files: listed.split("\n").map((file) => file.replace(/^package\//, "")),
    remove: () => rm(folder, { recursive: true }),
  };
}
