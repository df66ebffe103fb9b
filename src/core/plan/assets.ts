import { sha256 } from "./keys.js";

/** The files of kdock that go into containers, by path relative to kdock's root ("images/vm/start.sh"). */
export type Assets = ReadonlyMap<string, Asset>;

export interface Asset {
  readonly content: Uint8Array;
  readonly executable: boolean;
}

/** The assets at or below one of the given paths, in code-unit order. */
export function selectAssets(assets: Assets, paths: readonly string[]): [string, Asset][] {
  return [...assets]
    .filter(([name]) => paths.some((path) => name === path || name.startsWith(`${path}/`)))
    .sort(([a], [b]) => (a < b ? -1 : 1));
}

/** One hash for names, executable bits and contents. */
export function assetsDigest(selected: readonly [string, Asset][]): string {
  return sha256(
    JSON.stringify(
      selected.map(([name, { content, executable }]) => [name, executable, sha256(content)]),
    ),
  );
}
