/** The scripts of bee-queue by name, and their hashes; filled once the first queue is ready. */
declare module 'bee-queue/lib/lua/index.js' {
  export const scripts: Readonly<Record<string, string>>;
  export const shas: Readonly<Record<string, string>>;
}
