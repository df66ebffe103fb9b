import { row, section } from "../row.js";
import { choice, listOf, words } from "../types.js";
import { ARCHITECTURE_NAMES } from "../values.js";

const FLAG = { value: "<list>", only: "matrix", isKey: false } as const;

export const matrix = section("the kernels that a command is tried on", {
  /** Words for sources: "6.1", "debian:6.12". */
  kernels: row({
    type: words("a list of kernel sources"),
    default: [],
    help: "what `kdock matrix` builds and boots, row by row; kdock.lock pins them",
    example: ["5.10", "6.1", "6.12"],
    flag: { ...FLAG, name: "kernels", help: "sources, like 5.10,6.1,6.12" },
  }),
  presets: row({
    type: words("a list of presets"),
    default: [],
    help: "each of these kernels with each of these; kernel.preset without any",
    example: ["debug", "tiny"],
    flag: { ...FLAG, name: "presets", help: "each kernel with each of them" },
  }),
  archs: row({
    type: listOf("a list of architectures", choice(ARCHITECTURE_NAMES)),
    default: [],
    help: "all of it for each of these; kernel.arch without any",
    example: ["x86_64", "arm64"],
    flag: { ...FLAG, name: "archs", help: "all of it for each of them" },
  }),
});
