import { describe, expect, it } from "vitest";
import type { Architecture } from "../../../../src/config/config.js";
import {
  ARCHITECTURES,
  ENGINE_ARCHITECTURES,
  type EngineArchitecture,
} from "../../../../src/core/plan/architectures.js";
import { plan } from "../../fixtures.js";

const archs = Object.keys(ARCHITECTURES) as Architecture[];
const pairs = ENGINE_ARCHITECTURES.flatMap((engine) =>
  archs.map((arch) => [engine, arch] as const),
);
const of = (engine: EngineArchitecture, arch: Architecture) =>
  plan(`kernel: { arch: ${arch} }`, { engine });

describe("a plan", () => {
  it.each(pairs)(
    "requests the same of builders on an engine of %s for a kernel of %s",
    (engine, arch) => {
      const [made, usual] = [of(engine, arch), of("x86_64", arch)];
      for (const stage of ["kernel", "busybox"] as const) {
        expect(made[stage].asked).toEqual(usual[stage].asked);
        expect(made[stage].container.env).toEqual(usual[stage].container.env);
        expect(made[stage].image.args).toEqual(usual[stage].image.args);
        expect(made[stage].image.base.architecture).toBe(engine);
      }
      expect(made.vmImage.args).toEqual(usual.vmImage.args);
      expect(made.vmImage.base.architecture).toBe(engine);
    },
  );

  it.each(pairs)("has a gdb on an engine of %s for a kernel of %s", (engine, arch) => {
    expect(of(engine, arch).gdbImage.args["GDB"]).toBe(
      engine === arch ? undefined : "gdb-multiarch",
    );
  });
});
