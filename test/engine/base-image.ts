import type { Engine } from "../../src/engine/engine.js";

/**
 * A Debian image to make containers from: KDOCK_TEST_BASE, or one that kdock has made, of that suite if it matters. Throws when there is none,
 * because skipped tests look like tests that passed.
 */
export async function baseImage(engine: Engine, suite = ""): Promise<string> {
  const named = process.env["KDOCK_TEST_BASE"];
  if (named !== undefined && named !== "") return named;
  const made = await engine.listImages({ "io.kdock.role": "base" });
  const tag = made
    .flatMap((image) => image.tags)
    .find((name) => name.startsWith(`kdock/base:${suite}`));
  if (tag === undefined) {
    throw new Error("no base image: set KDOCK_TEST_BASE to a Debian image that the engine has");
  }
  return tag;
}
