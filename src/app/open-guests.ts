import type { GuestCall } from "../guest/steps/dial-guest.js";
import type { GuestContext } from "../guest/steps/guest-context.js";
import type { Session } from "../core/session.js";

/** The running guests of the project. */
export interface Guests {
  readonly ctx: GuestContext;
  /** See `dialGuest`. */
  readonly dial: (vm: string | undefined) => Promise<GuestCall>;
}

/** Loads little, and at the same time what it can: `kdock exec` has to start within a tenth of a second. */
export async function openGuests({ world, globals, reporter }: Session): Promise<Guests> {
  const [{ openGuestContext }, { dialGuest }] = await Promise.all([
    import("./guest-project.js"),
    import("../guest/steps/dial-guest.js"),
    import("../engine/quick-engine.js"),
  ]);
  const ctx = await openGuestContext(world, globals, reporter);
  return { ctx, dial: (vm) => dialGuest(ctx, vm) };
}
