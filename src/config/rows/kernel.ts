import { JOBS, PRESET, SETTINGS, SOURCE, SOURCE_FILES } from "../build-types.js";
import { row, section } from "../row.js";
import { RELEASE_KEYS } from "./release-keys.js";
import { DEFAULT_SOURCE } from "../source-spec.js";
import { choice, HTTP_URLS, PATH, PATHS, pattern, TRUE_OR_FALSE } from "../types.js";
import { ARCHITECTURE_NAMES } from "../values.js";

export const kernel = section("the Linux kernel", {
  /** In its long form, "debian:6.12": see source-spec.ts. */
  source: row({
    type: SOURCE,
    default: DEFAULT_SOURCE,
    help: "where the source comes from",
    flag: {
      name: "kernel",
      value: "<source>",
      help: "6.12, 6.12.30, debian:6.1, git:URL#REF or ./linux",
    },
  }),
  /** None for kernel.org's own. */
  mirrors: row({
    type: HTTP_URLS,
    default: [],
    help: "folders laid out like kernel.org's pub/linux/kernel, asked in order instead of it",
    example: ["https://mirror.example/linux/kernel"],
    inArtifact: false,
  }),
  keys: RELEASE_KEYS,
  arch: row({
    type: choice(ARCHITECTURE_NAMES),
    help: "architecture of the kernel, its guest and its VM; unless it is given, what kdock.lock pins, and before anything is locked the engine's own",
    example: "arm64",
    flag: {
      name: "arch",
      value: "<name>",
      help: "architecture; the one built last unless given",
    },
  }),
  preset: row({
    type: PRESET,
    default: "debug",
    help: "configuration to start from; host takes that of the kernel kdock runs on",
    flag: { name: "preset", value: "<name>", help: "debug, defconfig, tiny, host or file:PATH" },
    compose: true,
  }),
  fragments: row({
    type: PATHS,
    default: [],
    help: "kconfig fragments, relative to this file, merged in order over the preset",
    flag: { name: "fragment", value: "<file>", help: "kconfig fragment" },
  }),
  set: row({
    type: SETTINGS,
    default: {},
    help: "single options, for example CONFIG_TCP_CONG_BBR: y; the last word",
    flag: { name: "set", value: "<option=value>", help: "one kernel option" },
  }),
  patches: row({
    type: PATHS,
    default: [],
    help: "patches for the source (-p1), or folders with a series of them, relative to this file, applied in order",
  }),
  deoptimize: row({
    type: SOURCE_FILES,
    default: [],
    help: "compiled with -Og, for stepping through them; all others stay as they are",
    example: ["net/ipv4/tcp_ipv4.c"],
    flag: {
      name: "deoptimize",
      value: "<file>",
      help: "C file of the source to compile for stepping",
    },
  }),
  moduleKey: row({
    type: PATH,
    help: "PEM file with key and certificate that modules are signed with",
    example: "./module-signing.pem",
  }),
  toolchain: row({
    type: pattern(
      "auto, gcc-N or clang-N",
      /^(?:auto|gcc-\d+|clang-\d+)$/,
      "expected auto, gcc-N or clang-N",
    ),
    default: "auto",
    help: "compiler; auto takes the one that suits the kernel version",
    flag: { name: "toolchain", value: "<name>", help: "auto, gcc-N or clang-N" },
  }),
  jobs: row({
    type: JOBS,
    default: "auto",
    help: "compilers at the same time; auto takes every processor of the engine",
    flag: { name: "jobs", short: "j", value: "<n>", help: "how many compilers at once" },
    compose: true,
    inArtifact: false,
  }),
  ccache: row({
    type: TRUE_OR_FALSE,
    default: true,
    help: "keep a compiler cache between builds",
    inArtifact: false,
  }),
});
