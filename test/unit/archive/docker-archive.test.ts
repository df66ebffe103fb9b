import { createHash } from "node:crypto";
import { Readable } from "node:stream";
import { text } from "node:stream/consumers";
import { expect, it } from "vitest";
import { type ArchivedImage, dockerArchive } from "../../../src/archive/docker-archive.js";
import { readTar } from "../../../src/archive/read-tar.js";

const LAYER = Buffer.from("a layer");
const SHA256 = createHash("sha256").update(LAYER).digest("hex");

const image: ArchivedImage = {
  tags: ["kdock/base:trixie"],
  architecture: "amd64",
  created: 1_794_000_000,
  createdBy: "mmdebstrap",
  labels: { b: "2", a: "1" },
  layer: { size: LAYER.length, sha256: SHA256, open: () => Readable.from([LAYER]) },
};

async function filesOf(archive: Readable): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  await readTar(archive, async ({ name }, content) => {
    files.set(name, await text(content));
  });
  return files;
}

it("dockerArchive names the configuration by its digest, the image's id", async () => {
  const files = await filesOf(dockerArchive(image));
  const [manifest] = JSON.parse(files.get("manifest.json") ?? "") as [{ Config: string }];
  const config = files.get(manifest.Config) ?? "";
  expect(manifest).toEqual({
    Config: `${createHash("sha256").update(config).digest("hex")}.json`,
    RepoTags: ["kdock/base:trixie"],
    Layers: ["layer.tar"],
  });
  expect(files.get("layer.tar")).toBe("a layer");
  expect(JSON.parse(config)).toMatchObject({
    architecture: "amd64",
    os: "linux",
    created: "2026-11-06T21:20:00Z",
    rootfs: { type: "layers", diff_ids: [`sha256:${SHA256}`] },
    history: [{ created: "2026-11-06T21:20:00Z", created_by: "mmdebstrap" }],
  });
});

it("dockerArchive is independent of the order of labels, and changes with the time", async () => {
  const bytes = (change: Partial<ArchivedImage>) => text(dockerArchive({ ...image, ...change }));
  expect(await bytes({ labels: { a: "1", b: "2" } })).toBe(await bytes({}));
  expect(await bytes({ created: 0 })).not.toBe(await bytes({}));
});

it("dockerArchive fails if the layer's stream does", async () => {
  const open = () => Readable.from([Buffer.from("short")]);
  await expect(
    filesOf(dockerArchive({ ...image, layer: { ...image.layer, open } })),
  ).rejects.toThrow("changed while it was read");
});
