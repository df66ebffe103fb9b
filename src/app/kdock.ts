import { resolve } from "node:path";
import { configName, configPath } from "./config-file.js";
import type { KeyFlags } from "../config/key-flags.js";
import type { HostFiles } from "../host/host.js";
import { createPrinter, type Printer } from "../core/print.js";
import type { Project } from "../build/project.js";
import type { GlobalFlags, World } from "../core/world.js";
import type { GuestContext } from "../guest/steps/guest-context.js";
import type { OpenOptions } from "./open-project.js";
import type { Session } from "../core/session.js";

/** What a command gets: the process, ways to open the project, and where its result goes. */
export interface Kdock {
  readonly world: World;
  readonly globals: GlobalFlags;
  /** The configuration file as messages name it. */
  readonly configName: string;
  /** The configuration file; absolute. */
  readonly configPath: string;
  /** 0 unless a command sets it; not used where the command throws. */
  exitCode: number;
  /** Makes a path of the command line absolute. */
  readonly resolve: (path: string) => string;
  /** Files of this machine, for a command without a project. */
  files(): Promise<HostFiles>;
  open(options?: OpenOptions): Promise<Project>;
  /** Opens the project with its kdock.lock. */
  openLocked(flags?: KeyFlags): Promise<Project>;
  /** Opens the project to boot it: with --kernel KEY, with the built kernel of that key. */
  openBootable(flags: KeyFlags): Promise<Project>;
  /** Opens what a running guest is reached with; neither kdock.yaml nor kdock.lock is read. */
  openGuests(globals?: GlobalFlags): Promise<GuestContext>;
  /** `command` is the name that its result has with --json. */
  printer(command: string): Printer;
}

/** Each method loads what it needs when it is called, so that `kdock --help` loads no Docker client and no YAML parser. */
export function createKdock(session: Session): Kdock {
  const open = async (options: OpenOptions = {}) => {
    const { open } = await import("./open-project.js");
    return open(session, options);
  };
  return {
    world: session.world,
    get globals() {
      return session.globals;
    },
    get configName() {
      return configName(session.globals);
    },
    get configPath() {
      return configPath(session.world, session.globals);
    },
    exitCode: 0,
    resolve: (path) => resolve(session.world.cwd, path),
    files: async () => (await import("../host/node-files.js")).nodeFiles,
    open,
    openLocked: (flags = {}) => open({ flags, readLock: true }),
    openBootable: async (flags) => {
      const { openBootable } = await import("./open-bootable.js");
      return openBootable(session, flags);
    },
    openGuests: async (globals = session.globals) => {
      // `kdock exec` has to start within a tenth of a second: what it needs is loaded at the same time.
      const [{ openGuestContext }] = await Promise.all([
        import("./guest-project.js"),
        import("../engine/quick-engine.js"),
      ]);
      return openGuestContext({ ...session, globals });
    },
    printer: (command) => createPrinter(session, command),
  };
}
