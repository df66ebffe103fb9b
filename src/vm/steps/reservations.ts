import { FOLDER } from "../../core/plan/names.js";
import type { NetMode } from "../../config/config.js";
import type { VmSlot } from "../plan/slots.js";
import { type Context, inProject } from "../../core/steps/context.js";

/**
 * What a VM that is being started has taken before its container says so: its name, its slot, and the network that must
 * stay for it. Every kdock of the project sees it until the container runs, or the kdock that starts it has ended.
 */
export interface Reservation {
  readonly slot: VmSlot;
  readonly net: NetMode;
  /** The guests'. */
  readonly subnet: string;
}

const lockPath = (ctx: Context, name: string) => inProject(ctx, `${FOLDER.starting}/${name}`);
const NOTE = ".json";
const notePath = (ctx: Context, name: string) => `${lockPath(ctx, name)}${NOTE}`;

/** The right to start the VM of that name. Rejects with an `environment` error when another kdock is starting it. */
export async function takeName(ctx: Context, name: string): Promise<AsyncDisposable> {
  const lock = await ctx.host.files.lock(lockPath(ctx, name), `a start of the VM ${name}`);
  // A kdock that was killed has left its own.
  await ctx.host.files.remove(notePath(ctx, name));
  let isHeld = true;
  return {
    async [Symbol.asyncDispose]() {
      // Later it may be another's.
      if (!isHeld) return;
      isHeld = false;
      await ctx.host.files.remove(notePath(ctx, name)).catch(() => undefined);
      await lock[Symbol.asyncDispose]();
    },
  };
}

/** Tells others; for one who has the name. */
export async function note(ctx: Context, reservation: Reservation): Promise<void> {
  const path = notePath(ctx, reservation.slot.name);
  await ctx.host.files.writeAtomic(path, JSON.stringify(reservation));
}

/** Those of all kdocks that run, ours among them. */
export async function reservations(ctx: Context): Promise<Reservation[]> {
  const { files } = ctx.host;
  const folder = inProject(ctx, FOLDER.starting);
  const notes = (await files.isFolder(folder)) ? await files.list(folder) : [];
  const names = notes
    .filter((file) => file.endsWith(NOTE))
    .map((file) => file.slice(0, -NOTE.length));
  const found = await Promise.all(
    names.map(async (name) => {
      if (!(await files.isLocked(lockPath(ctx, name)))) return [];
      const text = await files.readText(notePath(ctx, name));
      return text === undefined ? [] : [JSON.parse(text) as Reservation];
    }),
  );
  return found.flat();
}
