import type { HarakaPlugin } from './haraka-plugin.ts';

/** A method of a plugin, registered for a hook. */
export interface RegisteredHook {
  readonly plugin: HarakaPlugin;
  readonly method: string;
  /** −100 first, 100 last. */
  readonly priority: number;
}

const lowest = -100;
const highest = 100;

/** What the plugins of one bridge registered, by hook, in running order: by priority, then by registration. */
export class HookList {
  readonly #hooks = new Map<string, RegisteredHook[]>();

  add(hook: string, plugin: HarakaPlugin, method: string, priority: unknown): void {
    const number = Number.parseInt(String(priority ?? 0), 10) || 0;
    const entry = { plugin, method, priority: Math.min(Math.max(number, lowest), highest) };
    const list = this.#hooks.get(hook) ?? [];
    const behind = list.findIndex((other) => other.priority > entry.priority);
    list.splice(behind === -1 ? list.length : behind, 0, entry);
    this.#hooks.set(hook, list);
  }

  of(hook: string): readonly RegisteredHook[] {
    return this.#hooks.get(hook) ?? [];
  }

  names(): string[] {
    return [...this.#hooks.keys()];
  }
}
