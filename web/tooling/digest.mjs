// The digest of sources that a bundle records, so that a test finds one that is out of date.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** Return the digest of source files: of each its path, a NUL, its content, in the order of paths. */
export function digest(folder, paths) {
  const hash = createHash("sha256");
  for (const path of [...paths].sort()) {
    hash.update(`${path}\0`);
    hash.update(readFileSync(join(folder, path)));
  }
  return { files: [...paths].sort(), sha256: hash.digest("hex") };
}
