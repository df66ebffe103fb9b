import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { dockerArchive } from "../../src/archive/docker-archive.js";
import { KdockError } from "../../src/core/errors.js";
import type { ImageBuild } from "../../src/engine/engine.js";
import { bytesOf, openLab, packed, textOf, type Lab } from "./lab.js";

let lab: Lab;
beforeAll(async () => {
  lab = await openLab();
});
afterAll(async () => {
  await lab[Symbol.asyncDispose]();
});

function imageBuild(dockerfile: readonly string[], change: Partial<ImageBuild> = {}): ImageBuild {
  return {
    context: packed({
      "sub/Dockerfile.test": [`FROM ${lab.base}`, ...dockerfile].join("\n"),
      "data.txt": "data",
    }),
    dockerfile: "sub/Dockerfile.test",
    tag: `${lab.name("image")}:latest`,
    args: {},
    labels: lab.labels,
    noCache: true,
    ...change,
  };
}

describe("building", () => {
  it("makes a labelled image and passes its log on", async () => {
    const lines: string[] = [];
    const build = imageBuild(
      ["ARG WORD", "COPY data.txt /", "RUN echo hello $WORD && cat data.txt"],
      {
        args: { WORD: "world" },
      },
    );
    const image = await lab.engine.buildImage(build, {
      signal: lab.signal,
      onLine: (line) => lines.push(line),
    });
    expect(image.tags).toContain(build.tag);
    expect(image.labels).toMatchObject(lab.labels);
    expect(image.layers.length).toBeGreaterThan(1);
    expect(lines).toContain("hello world");
    expect(lines).toContain("data");
    expect(lines.filter((line) => line.startsWith("[3/3] RUN echo"))).toHaveLength(1);
    expect(await lab.engine.findImage(build.tag)).toEqual(image);
  });

  it("rejects with the failed step, the reason and the end of its output", async () => {
    const build = imageBuild(["RUN echo fine", "RUN echo boom >&2 && false"]);
    const error: unknown = await lab.engine
      .buildImage(build, { signal: lab.signal })
      .catch((e: unknown) => e);
    expect(error).toBeInstanceOf(KdockError);
    expect(error).toMatchObject({ code: "build" });
    expect(String(error)).toContain("[3/3] RUN echo boom >&2 && false");
    expect(String(error)).toMatch(/exit code: 1\n {2}boom$/);
  });

  it("rejects when the Dockerfile makes no sense", async () => {
    const built = lab.engine.buildImage(imageBuild(["NONSENSE"]), { signal: lab.signal });
    await expect(built).rejects.toMatchObject({
      code: "build",
      message: expect.stringContaining("NONSENSE") as string,
    });
  });

  it("ends when the signal says so", async () => {
    const interrupt = new AbortController();
    const reason = new KdockError("interrupted", "interrupted");
    const onLine = (line: string) => {
      if (line === "begun") interrupt.abort(reason);
    };
    const build = imageBuild(["RUN echo begun && sleep 97531"]);
    await expect(lab.engine.buildImage(build, { signal: interrupt.signal, onLine })).rejects.toBe(
      reason,
    );
    expect(build.context.destroyed).toBe(true);
  });

  it("rejects with the context's own error", async () => {
    const context = Readable.from(
      (function* () {
        yield Buffer.alloc(512);
        throw new Error("disk on fire");
      })(),
    );
    const built = lab.engine.buildImage(imageBuild([], { context }), { signal: lab.signal });
    await expect(built).rejects.toThrow("disk on fire");
  });

  it("does not wait for a context that is destroyed without an error", async () => {
    const context = new Readable({
      read() {
        this.destroy();
      },
    });
    const built = lab.engine.buildImage(imageBuild([], { context }), { signal: lab.signal });
    await expect(built).rejects.toThrow();
  });
});

describe("images", () => {
  it("are loaded from an archive, under the id that the archive gives them", async () => {
    const tag = `${lab.name("loaded")}:latest`;
    const content = await bytesOf(packed({ hello: "world" }));
    const sha256 = createHash("sha256").update(content).digest("hex");
    const archive = () =>
      dockerArchive({
        tags: [tag],
        architecture: "amd64",
        created: 1_000_000_000,
        createdBy: "a test",
        labels: lab.labels,
        layer: { size: content.length, sha256, open: () => Readable.from([content]) },
      });
    const options = { tag, signal: lab.signal };
    const image = await lab.engine.loadImage(archive(), options);
    expect(image).toMatchObject({
      tags: [tag],
      labels: lab.labels,
      layers: [`sha256:${sha256}`],
      createdAt: 1_000_000_000,
    });
    await lab.engine.removeImage(image.id);
    expect((await lab.engine.loadImage(archive(), options)).id).toBe(image.id);
    await lab.engine.removeImage(image.id);
  });

  it("are not loaded from what is no archive of an image", async () => {
    const options = { tag: `${lab.name("broken")}:latest`, signal: lab.signal };
    await expect(lab.engine.loadImage(packed({ hello: "world" }), options)).rejects.toMatchObject({
      code: "engine",
    });
    const failing = Readable.from(
      (function* () {
        yield Buffer.alloc(512);
        throw new Error("disk on fire");
      })(),
    );
    await expect(lab.engine.loadImage(failing, options)).rejects.toThrow("disk on fire");
  });

  it("are undefined when there is none of that name", async () => {
    expect(await lab.engine.findImage("kdock-test/none:none")).toBeUndefined();
  });

  it("cannot be pulled from where there is no registry", async () => {
    const pulled = lab.engine.pullImage("localhost:1/kdock-test/none", { signal: lab.signal });
    await expect(pulled).rejects.toMatchObject({ code: "engine" });
  });
});

describe("what containers share", () => {
  it("is a volume by label, made once, seen by the next container", async () => {
    const volume = lab.name("volume");
    await lab.engine.ensureVolume(volume, lab.labels);
    await lab.engine.ensureVolume(volume, lab.labels);
    expect(await lab.engine.listVolumes(lab.labels)).toEqual([
      { name: volume, labels: lab.labels },
    ]);
    const mounts = [{ volume, target: "/shared", readOnly: false }];
    {
      await using container = await lab.create({ mounts });
      await container.putArchive("/shared", packed({ note: "kept" }));
    }
    {
      const readOnly = mounts.map((mount) => ({ ...mount, readOnly: true }));
      // The engine keeps no order between stdout and stderr.
      const command = ["sh", "-c", "cat /shared/note; touch /shared/x 2>&- || echo read-only"];
      await using container = await lab.create({ mounts: readOnly, command });
      const output = await container.attach();
      await container.start();
      expect(await textOf(output)).toBe("keptread-only\n");
    }
    await lab.engine.removeVolume(volume);
    await lab.engine.removeVolume(volume);
    expect(await lab.engine.listVolumes(lab.labels)).toEqual([]);
  });

  it("is a network by label, made once, not removed while in use", async () => {
    const network = lab.name("net");
    await lab.engine.ensureNetwork(network, lab.labels, { mtu: 1400 });
    await lab.engine.ensureNetwork(network, lab.labels);
    const found = await lab.engine.listNetworks(lab.labels);
    expect(found).toMatchObject([{ name: network, labels: lab.labels, mtu: 1400 }]);
    {
      await using container = await lab.create({ network, hostname: "guest" });
      await container.start();
      expect((await container.inspect()).gateway).toMatch(/^\d/);
      await expect(lab.engine.removeNetwork(network)).rejects.toMatchObject({ code: "engine" });
    }
    await lab.engine.removeNetwork(network);
    await lab.engine.removeNetwork(network);
    expect(await lab.engine.listNetworks(lab.labels)).toEqual([]);
  });
});
