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
  status,
  tree,
} from "./read-files.js";
import {
  makeFolder,
  makeSymlink,
  makeTemporary,
  mergeInto,
  openLog,
  pointLink,
  remove,
  replace,
  setMode,
  writeAtomic,
  writeStream,
} from "./write-files.js";

export const nodeFiles: HostFiles = {
  ...{ readText, readBytes, exists, isFolder, tree, list, realPath },
  ...{ writeAtomic, writeStream, openLog, makeTemporary, makeSymlink, makeFolder },
  ...{ status, readStream, mergeInto, setMode },
  ...{ replace, pointLink, remove, lock },
};
