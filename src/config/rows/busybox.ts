import { SETTINGS } from "../build-types.js";
import { row, section } from "../row.js";
import { RELEASE_KEYS } from "./release-keys.js";
import { HTTP_URLS, PATHS, pattern } from "../types.js";

export const busybox = section("busybox, the guest's user land", {
  source: row({
    type: pattern(
      "release:X.Y.Z",
      /^release:\d+\.\d+\.\d+$/,
      "expected a release, for example release:1.37.0",
    ),
    default: "release:1.37.0",
    help: "the release to build",
    flag: { name: "busybox", value: "<source>", help: "busybox source, like release:1.37.0" },
  }),
  sha256: row({
    type: pattern(
      "64 hexadecimal digits",
      /^[\da-f]{64}$/,
      "expected 64 hexadecimal digits in lower case",
    ),
    help: "digest of the tarball, for releases whose signature is not to be asked",
    example: "0123456789abcdef".repeat(4),
  }),
  mirrors: row({
    type: HTTP_URLS,
    default: [],
    help: "folders that hold the tarball and its .sig, tried before the usual ones",
    example: ["https://mirror.example/busybox"],
    inArtifact: false,
  }),
  keys: RELEASE_KEYS,
  fragments: row({
    type: PATHS,
    default: [],
    help: "kconfig fragments, relative to this file, merged in order",
  }),
  set: row({
    type: SETTINGS,
    default: {},
    help: "single options, for example CONFIG_NC: y; the last word",
  }),
});
