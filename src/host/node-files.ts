import type { HostFiles } from "./host.js";
import { lock } from "./lock.js";
import {
  exists,
  isFolder,
  isWritable,
  list,
  readBytes,
  readHead,
  readStream,
  readText,
  realPath,
  status,
  tree,
} from "./read-files.js";
import { scan } from "./scan.js";
import { writeTree } from "./tree-writer.js";
import {
  makeFolder,
  makeTemporary,
  mergeInto,
  openLog,
  pointLink,
  remove,
  removeTree,
  replace,
  writeAtomic,
  writeSparse,
  writeStream,
} from "./write-files.js";

export const nodeFiles: HostFiles = {
  ...{ readText, readBytes, readStream, exists, isFolder, status, tree, list, realPath },
  ...{ writeAtomic, writeStream, writeSparse, openLog, makeTemporary, makeFolder },
  ...{ mergeInto, removeTree, writeTree, readHead, isWritable, scan },
  ...{ replace, pointLink, remove, lock },
};
