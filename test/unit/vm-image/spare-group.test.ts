import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { ROOT, run } from "../../support/kdock.js";

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "kdock-group-"));
});
afterAll(() => rm(folder, { recursive: true }));

/** Its answer for /proc/self/gid_map of a container, and group IDs of its /etc/group beside root's. */
async function spareGroup(gidMap: string, taken: readonly number[] = []): Promise<string> {
  const [map, groups] = [join(folder, "gid_map"), join(folder, "group")];
  await writeFile(map, gidMap);
  await writeFile(groups, [0, ...taken].map((id) => `g${id}:x:${id}:\n`).join(""));
  return await run("sh", `${ROOT}images/vm/spare-group.sh`, map, groups);
}

describe("spare-group.sh", () => {
  it.each([
    ["no user namespace", "         0          0 4294967295\n", [], "2147483641"],
    ["userns-remap", "0 100000 65536\n", [], "65535"],
    ["a rootless engine", "0 1000 1\n1 100000 65536\n", [], "65536"],
    ["ranges in another order", "1 100000 65536\n0 1000 1\n", [], "65536"],
    ["a group that has the highest", "0 100000 65536\n", [65535, 65534], "65533"],
    ["a range that is taken", "0 1000 1\n1 100000 2\n100 7 1\n", [100], "2"],
    ["a rootless engine without a range of its own", "0 1000 1\n", [], ""],
    ["groups on all that is mapped", "0 100000 3\n", [1, 2], ""],
  ])("finds for %s", async (_what, gidMap, taken, group) => {
    expect(await spareGroup(gidMap, taken)).toBe(group);
  });
});
