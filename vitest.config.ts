import { defineConfig } from "vitest/config";

/** Whole strings in failures: what a command said is the evidence, and there may be no second run. */
const chaiConfig = { truncateThreshold: 0 };

/** Real builds and real boots: minutes, not seconds, and one at a time, because the machine has few cores. */
const real = { chaiConfig, fileParallelism: false, testTimeout: 300_000, hookTimeout: 2_400_000 };

export default defineConfig({
  test: {
    projects: [
      { test: { name: "unit", include: ["test/unit/**/*.test.ts"], chaiConfig } },
      { test: { name: "engine", include: ["test/engine/**/*.test.ts"], ...real } },
      { test: { name: "vm", include: ["test/vm/**/*.test.ts"], ...real } },
      // Kernels built twice: not for every commit. See `npm run test:repro`.
      {
        test: {
          name: "repro",
          include: ["test/repro/**/*.test.ts"],
          ...real,
          testTimeout: 7_200_000,
        },
      },
      // The unit tests on other versions of Node.js. See `npm run test:nodes`.
      {
        test: {
          name: "nodes",
          include: ["test/nodes/**/*.test.ts"],
          ...real,
          testTimeout: 900_000,
        },
      },
      // Every kernel and architecture, built and debugged: hours. See `npm run test:matrix`.
      {
        test: {
          name: "matrix",
          include: ["test/matrix/**/*.test.ts"],
          ...real,
          hookTimeout: 7_200_000,
          testTimeout: 7_200_000,
        },
      },
      { test: { name: "cli", include: ["test/cli/**/*.test.ts"], ...real } },
    ],
  },
});
