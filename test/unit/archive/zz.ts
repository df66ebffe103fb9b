import { createWriteStream } from "node:fs";
import http from "node:http";
import { Writable, type Readable } from "node:stream";
import { extractTar } from "../../../src/archive/tar-extract.js";
const get = () => new Promise<Readable>((res) => http.get({ socketPath: "/tmp/srv.sock", path: "/" }, res));
{ const r = await get(); const t = performance.now(); let n = 0, c = 0; for await (const x of r) { n += x.length; c++; } console.log("raw http", Math.round(400 / ((performance.now() - t) / 1000)), c); }
for (const hw of [18, 20, 21, 22, 23]) for (const f of ["/dev/shm/o.bin","/tmp/ex/o.bin"]) { const v: number[] = []; for (let k = 0; k < 4; k++) {
  const r = await get();
  const t = performance.now();
  await extractTar(r, { file: () => Promise.resolve(createWriteStream(f, { highWaterMark: 1 << hw })), directory: async () => {}, symlink: async () => {} });
  v.push(Math.round(400 / ((performance.now() - t) / 1000)));
} console.log(1 << hw, f, v.join(" ")); }
