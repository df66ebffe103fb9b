import { z } from "zod";
import { kernel } from "./build-schema.js";

const words = z.array(z.string().min(1)).default([]);

export const matrix = z
  .strictObject({
    kernels: words.meta({
      title: "a list of kernel sources",
      description: "what `kdock matrix` builds and boots, row by row; kdock.lock pins them",
      example: ["5.10", "6.1", "6.12"],
    }),
    presets: words.meta({
      title: "a list of presets",
      description: "each of these kernels with each of these; kernel.preset without any",
      example: ["debug", "tiny"],
    }),
    archs: z
      .array(kernel.unwrap().shape.arch.unwrap())
      .default([])
      .meta({
        title: "a list of architectures",
        description: "all of it for each of these; kernel.arch without any",
        example: ["x86_64", "arm64"],
      }),
  })
  .prefault({})
  .meta({ description: "the kernels that a command is tried on" });
