import { z } from "zod";
import { choicesText } from "./choices.js";
import { ARCHITECTURE_NAMES } from "./config.js";
import { parseSettings } from "./kconfig-settings.js";
import { noPassword } from "./no-password.js";
import {
  DEFAULT_SOURCE,
  expandSource,
  NO_SOURCE_CONTEXT,
  parseSource,
  SOURCE_FORM,
} from "./source-spec.js";

/** Long or short; what a short one stands for depends on other keys and places: see `mergeLayers`. */
const source = z.string().superRefine((input, context) => {
  const parsed = parseSource(expandSource(input, NO_SOURCE_CONTEXT));
  if ("problem" in parsed) context.addIssue({ code: "custom", message: parsed.problem });
});

const settings = z
  .record(z.string(), z.union([z.string(), z.number(), z.boolean()]))
  .transform((input, context) => {
    const parsed = parseSettings(input);
    for (const { name, problem } of parsed.problems) {
      context.issues.push({ code: "custom", message: problem, input, path: [name] });
    }
    return parsed.settings;
  })
  .prefault({});

const mirrors = z.array(
  z.url({ protocol: /^https?$/, error: "expected a http or https URL" }).check(noPassword),
);

const paths = z.array(z.string().min(1)).default([]);

/** As make names it: from the source's top, in the one way in which a path can be written. */
const SOURCE_FILE = /^(?:[\w+-][\w.+-]*\/)*[\w+-][\w.+-]*\.c$/;

export const kernel = z
  .strictObject({
    source: source
      .default(DEFAULT_SOURCE)
      .meta({ title: SOURCE_FORM, description: "where the source comes from" }),
    mirrors: mirrors.default([]).meta({
      title: "a list of URLs",
      description:
        "folders laid out like kernel.org's pub/linux/kernel, asked in order instead of it",
      example: ["https://mirror.example/linux/kernel"],
    }),
    keys: paths.meta({
      title: "a list of paths",
      description:
        "armored PGP keys, relative to this file, that may sign a release besides kdock's",
      example: ["./keys/vendor.asc"],
    }),
    arch: z
      .enum(ARCHITECTURE_NAMES)
      .optional()
      .meta({
        title: choicesText(ARCHITECTURE_NAMES),
        description:
          "architecture of the kernel, its guest and its VM; unless it is given, what kdock.lock pins, and before anything is locked the engine's own",
        example: "arm64",
      }),
    preset: z
      .union([
        z.enum(["debug", "defconfig", "tiny", "host"]),
        z.templateLiteral(["file:", z.string().min(1)]),
      ])
      .default("debug")
      .meta({
        title: "debug, defconfig, tiny, host or file:PATH",
        description: "configuration to start from; host takes that of the kernel kdock runs on",
      }),
    fragments: paths.meta({
      title: "a list of paths",
      description: "kconfig fragments, relative to this file, merged in order over the preset",
    }),
    set: settings.meta({
      title: "a map of options",
      description: "single options, for example CONFIG_TCP_CONG_BBR: y; the last word",
    }),
    patches: paths.meta({
      title: "a list of paths",
      description:
        "patches for the source (-p1), or folders with a series of them, relative to this file, applied in order",
    }),
    deoptimize: z
      .array(
        z
          .string()
          .regex(
            SOURCE_FILE,
            "expected a C file of the kernel's source, for example net/ipv4/tcp_ipv4.c",
          ),
      )
      .default([])
      .meta({
        title: "a list of C files of the source",
        description: "compiled with -Og, for stepping through them; all others stay as they are",
        example: ["net/ipv4/tcp_ipv4.c"],
      }),
    moduleKey: z.string().min(1).optional().meta({
      title: "a path",
      description: "PEM file with key and certificate that modules are signed with",
      example: "./module-signing.pem",
    }),
    toolchain: z
      .string()
      .regex(/^(?:auto|gcc-\d+|clang-\d+)$/, "expected auto, gcc-N or clang-N")
      .default("auto")
      .meta({
        title: "auto, gcc-N or clang-N",
        description: "compiler; auto takes the one that suits the kernel version",
      }),
    jobs: z
      .union([z.int().positive(), z.literal("auto")])
      .default("auto")
      .meta({
        title: "auto or a whole number from 1",
        description: "compilers at the same time; auto takes every processor of the engine",
      }),
    ccache: z.boolean().default(true).meta({
      title: "true or false",
      description: "keep a compiler cache between builds",
    }),
  })
  .prefault({})
  .meta({ description: "the Linux kernel" });

export const busybox = z
  .strictObject({
    source: z
      .string()
      .regex(/^release:\d+\.\d+\.\d+$/, "expected a release, for example release:1.37.0")
      .default("release:1.37.0")
      .meta({ title: "release:X.Y.Z", description: "the release to build" }),
    sha256: z
      .string()
      .regex(/^[\da-f]{64}$/, "expected 64 hexadecimal digits in lower case")
      .optional()
      .meta({
        title: "64 hexadecimal digits",
        description: "digest of the tarball, for releases whose signature is not to be asked",
        example: "0123456789abcdef".repeat(4),
      }),
    mirrors: mirrors.default([]).meta({
      title: "a list of URLs",
      description: "folders that hold the tarball and its .sig, tried before the usual ones",
      example: ["https://mirror.example/busybox"],
    }),
    keys: paths.meta({
      title: "a list of paths",
      description:
        "armored PGP keys, relative to this file, that may sign a release besides kdock's",
      example: ["./keys/vendor.asc"],
    }),
    fragments: paths.meta({
      title: "a list of paths",
      description: "kconfig fragments, relative to this file, merged in order",
    }),
    set: settings.meta({
      title: "a map of options",
      description: "single options, for example CONFIG_NC: y; the last word",
    }),
  })
  .prefault({})
  .meta({ description: "busybox, the guest's user land" });

export const rootfs = z
  .strictObject({
    overlay: z.string().min(1).optional().meta({
      title: "a path",
      description: "folder, relative to this file, that is merged over the root file system",
      example: "./rootfs",
    }),
    init: paths.meta({
      title: "a list of paths",
      description:
        "scripts, relative to this file, that run in the guest at boot, in order, when the network is up",
      example: ["./guest/routes.sh", "./guest/sysctls.sh"],
    }),
    strict: z.boolean().default(false).meta({
      title: "true or false",
      description: "a boot in which an init script fails is a failed one, and ends there",
    }),
  })
  .prefault({})
  .meta({ description: "the guest's root file system" });
