import { nodes } from "./file-nodes.js";
import type { HostFiles } from "./host.js";
import { isLocked, lock } from "./lock.js";
import {
  exists,
  isFolder,
  isWritable,
  list,
  openStream,
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
  writeLate,
  writeSparse,
  writeStream,
} from "./write-files.js";

export const nodeFiles: HostFiles = {
  ...{
    readText,
    readBytes,
    readStream,
    openStream,
    exists,
    isFolder,
    status,
    tree,
    nodes,
    list,
    realPath,
  },
  ...{ writeAtomic, writeStream, writeSparse, writeLate, openLog, makeTemporary, makeFolder },
  ...{ mergeInto, removeTree, writeTree, readHead, isWritable, scan },
  ...{ replace, pointLink, remove, lock, isLocked },
};
