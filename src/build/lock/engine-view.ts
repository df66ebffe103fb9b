import {
  ENGINE_ARCHITECTURES,
  type EngineArchitecture,
  isUsual,
} from "../../core/plan/architectures.js";
import { EMPTY_LOCK, type Lock } from "./lock.js";

/**
 * A lock holds base images and packages for engines of each architecture. Entries for engines other than x86_64 have a suffix,
 * "kernel gcc-14 on arm64". An engine gets its entries without the suffix; the others are kept unchanged.
 */
export type OtherEngines = Pick<Lock, "bases" | "images">;

export const NO_OTHER_ENGINES: OtherEngines = { bases: {}, images: {} };

const MARK = / on \w+$/;

/** Splits a lock file into the lock of an engine and the entries of other engines. */
export function splitLock(
  file: Lock,
  engine: EngineArchitecture,
): { readonly lock: Lock; readonly others: OtherEngines } {
  const own = <T>(map: Readonly<Record<string, T>>) =>
    renamed(map, (name) => (suffix(name) === mark(engine) ? name.replace(MARK, "") : undefined));
  const rest = <T>(map: Readonly<Record<string, T>>) =>
    renamed(map, (name) => (suffix(name) === mark(engine) ? undefined : name));
  return {
    lock: { ...file, bases: own(file.bases), images: own(file.images) },
    others: { bases: rest(file.bases), images: rest(file.images) },
  };
}

/** The inverse of `splitLock`: the content of the file. */
export function joinLock(lock: Lock, engine: EngineArchitecture, others: OtherEngines): Lock {
  const marked = <T>(map: Readonly<Record<string, T>>) =>
    renamed(map, (name) => `${name}${mark(engine)}`);
  return {
    ...lock,
    bases: { ...others.bases, ...marked(lock.bases) },
    images: { ...others.images, ...marked(lock.images) },
  };
}

/** The entries of one of the other engines, without those that engines share. */
export function lockOf(others: OtherEngines, engine: EngineArchitecture): Lock {
  return splitLock({ ...EMPTY_LOCK, ...others }, engine).lock;
}

/** The other engines' entries, each engine's reduced by `keep`. */
export function keptOfOthers(
  others: OtherEngines,
  keep: (lock: Lock, engine: EngineArchitecture) => Lock,
): OtherEngines {
  return ENGINE_ARCHITECTURES.reduce<OtherEngines>((kept, engine) => {
    const { bases, images } = joinLock(keep(lockOf(others, engine), engine), engine, kept);
    return { bases, images };
  }, NO_OTHER_ENGINES);
}

function mark(engine: EngineArchitecture): string {
  return isUsual(engine) ? "" : ` on ${engine}`;
}

function suffix(name: string): string {
  return MARK.exec(name)?.[0] ?? "";
}

function renamed<T>(
  map: Readonly<Record<string, T>>,
  rename: (name: string) => string | undefined,
): Record<string, T> {
  return Object.fromEntries(
    Object.entries(map).flatMap(([name, value]) => {
      const other = rename(name);
      return other === undefined ? [] : [[other, value] as const];
    }),
  );
}
