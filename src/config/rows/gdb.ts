import { LISTEN } from "../machine-types.js";
import { row, section } from "../row.js";
import { listOf, TRUE_OR_FALSE } from "../types.js";

export const gdb = section("the gdbserver", {
  enable: row({
    type: TRUE_OR_FALSE,
    default: true,
    help: "offer a gdbserver; turns KASLR off",
    flag: { name: "no-gdb", sets: false, help: "no gdbserver", after: "gdb" },
  }),
  listen: row({
    type: LISTEN,
    default: "127.0.0.1:1234",
    help: "where the host listens for gdb; port 0 picks a free one",
    flag: {
      name: "gdb",
      value: "<[address:]port>",
      help: "where gdbserver is published; 0 picks a free port",
    },
    compose: true,
  }),
  /** Relative to the folder of kdock.yaml, or absolute. */
  scripts: row({
    type: listOf("a list of paths", {
      schema: (zod) => zod.string().regex(/^[^\r\n]+$/, "must be a path on one line"),
    }),
    default: [],
    help: "gdb scripts, relative to this file, that kdock.gdb sources last, in order",
    example: ["./tcp.gdb"],
  }),
});
