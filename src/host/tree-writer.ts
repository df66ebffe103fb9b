import { constants } from "node:fs";
import { copyFile, link, lstat, mkdir, open, symlink, unlink } from "node:fs/promises";
import { join } from "node:path";
import { KdockError, UnstorableError } from "../core/errors.js";
import { codeOf, isUnsupported, whereSupported, writeError } from "./file-error.js";
import { FileWriter } from "./file-writer.js";
import type { TreeWriter } from "./host.js";
import { OpenFolder } from "./open-folder.js";

const { COPYFILE_EXCL, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants;
/** Number of folders that are kept open; a tree is written folder by folder. */
const MAX_OPEN = 32;

export async function writeTree(folder: string): Promise<TreeWriter> {
  const root = await OpenFolder.open(folder).catch((error: unknown) => {
    throw writeError(folder, error);
  });
  return new NodeTreeWriter(root);
}

/**
 * Creates every entry by name in an open folder, and overwrites nothing. So no link is followed, whether it is part of the tree,
 * has another spelling of a folder's name, or was created by another process.
 */
class NodeTreeWriter implements TreeWriter {
  readonly #root: OpenFolder;
  /** By path, in the order of the last use. */
  readonly #open = new Map<string, OpenFolder>();
  /** Names that were created, by the path of the folder. */
  readonly #names = new Map<string, string[]>([["", []]]);

  constructor(root: OpenFolder) {
    this.#root = root;
  }

  async file(path: string, mode: number, modified?: Date): Promise<NodeJS.WritableStream> {
    return this.#make(path, async (at) => {
      const file = await open(at, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, mode & 0o700);
      try {
        // Independent of the umask.
        await whereSupported(file.chmod(mode));
      } catch (error) {
        await file.close();
        throw error;
      }
      return new FileWriter(file, join(this.#root.path, path), modified);
    });
  }

  async folder(path: string, mode = 0o777): Promise<void> {
    if (this.#names.has(path)) return;
    await this.#make(path, (at) => mkdir(at, mode | 0o700));
    this.#names.set(path, []);
  }

  async symlink(path: string, target: string): Promise<void> {
    await this.#make(path, async (at) => {
      try {
        await symlink(target, at);
      } catch (error) {
        const full = join(this.#root.path, path);
        if (isUnsupported(error)) {
          throw new UnstorableError(full, "the file system there has no symbolic links", error);
        }
        if (codeOf(error) === "ENAMETOOLONG") {
          const why = "the name or the link's text is too long for the file system there";
          throw new UnstorableError(full, why, error);
        }
        throw error;
      }
    });
  }

  async hardLink(path: string, original: string): Promise<void> {
    const [folder, name] = split(original);
    await this.#written(path, async () => {
      // A separate handle: opening the new name's folder may close the one in the map.
      await using source = await (await this.#folder(folder)).duplicate();
      await this.#make(path, async (at) => {
        const from = await source.at(name);
        try {
          await link(from, at);
        } catch (error) {
          // EMLINK: the file has the maximum number of links.
          if (!isUnsupported(error) && codeOf(error) !== "EMLINK") throw error;
          await copyFile(from, at, COPYFILE_EXCL);
        }
      });
    });
  }

  async remove(path: string): Promise<void> {
    const [folder, name] = split(path);
    await this.#written(path, async () => {
      await unlink(await (await this.#folder(folder)).at(name));
    });
    const names = this.#names.get(folder);
    names?.splice(names.indexOf(name), 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const folder of [...this.#open.values(), this.#root]) await folder[Symbol.asyncDispose]();
    this.#open.clear();
  }

  async #make<T>(path: string, make: (at: string) => Promise<T>): Promise<T> {
    const [folder, name] = split(path);
    return await this.#written(path, async () => {
      const parent = await this.#folder(folder);
      const at = await parent.at(name);
      const made = await make(at).catch(async (error: unknown) => {
        throw codeOf(error) === "EEXIST"
          ? await this.#collision(parent, folder, name)
          : await parent.namingError(name, error);
      });
      this.#names.get(folder)?.push(name);
      return made;
    });
  }

  async #written<T>(path: string, write: () => Promise<T>): Promise<T> {
    try {
      return await write();
    } catch (error) {
      throw error instanceof KdockError ? error : writeError(join(this.#root.path, path), error);
    }
  }

  /** Opens a folder, and creates it if it does not exist. */
  async #folder(path: string): Promise<OpenFolder> {
    if (path === "") return this.#root;
    const [above, name] = split(path);
    const known = this.#open.get(path);
    this.#open.delete(path);
    if (known === undefined) await this.folder(path);
    const folder = known ?? (await (await this.#folder(above)).child(name));
    this.#open.set(path, folder);
    for (const [oldest, other] of this.#open) {
      if (this.#open.size <= MAX_OPEN) break;
      this.#open.delete(oldest);
      await other[Symbol.asyncDispose]();
    }
    return folder;
  }

  /** The error for a name that exists: names that the file system does not distinguish, or a foreign file. */
  async #collision(parent: OpenFolder, folder: string, name: string): Promise<unknown> {
    const full = (other: string) => (folder === "" ? other : `${folder}/${other}`);
    const number = async (other: string) =>
      (await lstat(await parent.at(other), { bigint: true })).ino;
    const there = await number(name);
    const names = this.#names.get(folder) ?? [];
    let twin = names.find((other) => folded(other) === folded(name));
    for (const other of twin === undefined ? names : []) {
      if ((await number(other)) === there) twin = other;
    }
    if (twin === undefined) {
      return writeError(join(parent.path, name), Object.assign(new Error(), { code: "EEXIST" }));
    }
    return new KdockError(
      "environment",
      `${show(full(twin))} and ${show(full(name))} are one name on the target's file system`,
      { hint: "Write to a file system that distinguishes them." },
    );
  }
}

function folded(name: string): string {
  return name.normalize("NFKC").toLowerCase();
}

/** Escapes non-ASCII characters: names that differ in composition would look the same. */
function show(path: string): string {
  return JSON.stringify(path).replace(
    /[^ -~]/g,
    (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

function split(path: string): [folder: string, name: string] {
  const at = path.lastIndexOf("/");
  return at < 0 ? ["", path] : [path.slice(0, at), path.slice(at + 1)];
}
