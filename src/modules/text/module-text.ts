export function builtText({
  folder,
  files,
}: {
  folder: string;
  files: readonly { file: string; vermagic: string }[];
}): string[] {
  return files.map(({ file, vermagic }) => `built: ${folder}/${file}  (for ${vermagic})`);
}

export function loadedText({
  vm,
  modules,
  log,
}: {
  vm: string;
  modules: readonly string[];
  log: readonly string[];
}): string[] {
  return [`loaded into ${vm}: ${modules.join(", ")}`, ...log.map((line) => `  ${line}`)];
}
