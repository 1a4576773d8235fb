/**
 * The module `path` (`./writer-thread`, without an ending) as seen from the module `from`: TypeScript in the repository,
 * JavaScript in the published package, where the compiler rewrites imports but no such URLs.
 */
export const moduleBeside = (path: string, from: string): URL =>
  new URL(`${path}${from.slice(from.lastIndexOf('.'))}`, from);
