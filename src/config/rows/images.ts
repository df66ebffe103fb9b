import { noPassword } from "../no-password.js";
import { row, section } from "../row.js";
import { choice, HTTP_URL, type ValueType } from "../types.js";

const REGISTRY: ValueType<string, string> = {
  kind: "text",
  form: "a registry or none",
  schema: (zod) =>
    zod
      .string()
      .regex(/^[^@]*$/, "expected a registry's name, without a user or password")
      .transform((registry) => (registry === "none" ? "" : registry)),
};

const SNAPSHOT_URL: ValueType<string, string> = {
  kind: "text",
  form: "a URL with @SNAPSHOTID@",
  schema: (zod) =>
    zod
      .string()
      .regex(
        /^https?:\/\/\S*@SNAPSHOTID@\S*$/,
        "expected a http or https URL with @SNAPSHOTID@ in it",
      )
      .check(noPassword),
};

export const images = section("the images that builds run in", {
  /** "" when no registry is to be asked. */
  registry: row({
    type: REGISTRY,
    default: "docker.io/library",
    help: "where base images are pulled from; none asks no registry",
  }),
  mirror: row({
    type: HTTP_URL,
    help: "Debian mirror to use instead of the default; the sibling folder debian-security is used, too",
    example: "https://mirror.example/debian",
    compose: true,
  }),
  /** With @SNAPSHOTID@ where the moment stands; undefined lets apt find Debian's. */
  snapshot: row({
    type: SNAPSHOT_URL,
    help: "snapshot archive that has what the lock pins and mirrors no longer have",
    example: "https://snapshot.example/archive/debian/@SNAPSHOTID@",
  }),
  base: row({
    type: choice(["auto", "registry", "bootstrap"]),
    default: "auto",
    help: "base images from a registry or from a Debian mirror; auto tries both",
  }),
});
