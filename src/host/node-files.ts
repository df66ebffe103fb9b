import type { HostFiles } from "./host.js";
import { lock } from "./lock.js";
import {
  exists,
  isFolder,
  list,
  readBytes,
  readStream,
  readText,
  realPath,
  tree,
} from "./read-files.js";
import {
  makeFolder,
  makeSymlink,
  makeTemporary,
  openLog,
  pointLink,
  remove,
  replace,
  writeAtomic,
  writeSparse,
  writeStream,
} from "./write-files.js";

export const nodeFiles: HostFiles = {
  ...{ readText, readBytes, readStream, exists, isFolder, tree, list, realPath },
  ...{ writeAtomic, writeStream, writeSparse, openLog, makeTemporary, makeSymlink, makeFolder },
  ...{ replace, pointLink, remove, lock },
};
