const forbidden = new Set(['__proto__', 'constructor', 'prototype']);

/** Sets `a.b.c` of an object, making what is missing on the way; names that reach into prototypes are passed over. */
export function setPath(target: object, path: string, value: unknown): void {
  const keys = path.split('.').filter((key) => !forbidden.has(key));
  const last = keys.pop();
  if (last === undefined) return;
  let at = target as Record<string, unknown>;
  for (const key of keys) {
    const inner = at[key];
    if (typeof inner === 'object' && inner !== null) at = inner as Record<string, unknown>;
    else {
      const made: Record<string, unknown> = {};
      at[key] = made;
      at = made;
    }
  }
  at[last] = value;
}
