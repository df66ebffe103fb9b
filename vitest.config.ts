import { defineConfig } from "vitest/config";

/** Real builds and real boots: minutes, not seconds, and one at a time, because the machine has few cores. */
const real = { fileParallelism: false, testTimeout: 300_000, hookTimeout: 2_400_000 };

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"] } },
      { test: { name: "engine", include: ["test/engine/**/*.test.ts"], ...real } },
      { test: { name: "vm", include: ["test/vm/**/*.test.ts"], ...real } },
      { test: { name: "cli", include: ["test/cli/**/*.test.ts"], ...real } },
    ],
  },
});
