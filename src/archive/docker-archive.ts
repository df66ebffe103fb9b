import { createHash } from "node:crypto";
import type { Readable } from "node:stream";
import { packTar } from "./tar.js";

/** A one-layer image; see https://github.com/moby/docker-image-spec. */
export interface ArchivedImage {
  readonly tags: readonly string[];
  /** Go's name: "amd64". */
  readonly architecture: string;
  /** Seconds since 1970. */
  readonly created: number;
  /** The layer's command in `docker history`. */
  readonly createdBy: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly layer: {
    readonly size: number;
    /** Hexadecimal, of the uncompressed tar. */
    readonly sha256: string;
    readonly open: () => Readable | Promise<Readable>;
  };
}

/**
 * An archive for `docker load`. It gives the same image id on every engine, unlike `docker import`, which sets the current time.
 */
export function dockerArchive(image: ArchivedImage): Readable {
  const config = Buffer.from(JSON.stringify(imageConfig(image)));
  const configPath = `${createHash("sha256").update(config).digest("hex")}.json`;
  const manifest = [{ Config: configPath, RepoTags: image.tags, Layers: ["layer.tar"] }];
  const file = { kind: "file", mode: 0o644 } as const;
  return packTar([
    { ...file, path: configPath, content: config },
    { ...file, path: "layer.tar", content: image.layer },
    { ...file, path: "manifest.json", content: Buffer.from(JSON.stringify(manifest)) },
  ]);
}

/** The image's id is the digest of its JSON: do not change the order of keys. */
function imageConfig({ architecture, created, createdBy, labels, layer }: ArchivedImage): object {
  const date = new Date(created * 1000).toISOString().replace(".000Z", "Z");
  return {
    architecture,
    config: {
      Cmd: ["bash"],
      Env: ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
      Labels: Object.fromEntries(Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))),
    },
    created: date,
    history: [{ created: date, created_by: createdBy }],
    os: "linux",
    rootfs: { type: "layers", diff_ids: [`sha256:${layer.sha256}`] },
  };
}
