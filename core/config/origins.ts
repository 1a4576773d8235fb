import type { Patch } from './layers.ts';
import { isRecord, pathId, type SettingPath } from './setting-path.ts';
import type { YamlSource } from './yaml-source.ts';

/** Where a value came from. `line` counts from 1. */
export type Origin =
  | { readonly layer: 'environment'; readonly variable: string }
  | { readonly layer: 'api' }
  | { readonly layer: 'file'; readonly line: number }
  | { readonly layer: 'default' };

/** What a patch has at a path: `value` where it sets or removes it, `part` where it changes something in it. */
const found = (patch: unknown, path: SettingPath): 'value' | 'part' | undefined => {
  let value = patch;
  for (const key of path) {
    // A list stands for all that is in it.
    if (Array.isArray(value)) return 'value';
    if (!isRecord(value) || !Object.hasOwn(value, key)) return undefined;
    value = value[key];
  }
  return isRecord(value) ? 'part' : 'value';
};

/** Answers which layer gave a setting its value. */
export class Origins {
  readonly #source: YamlSource;
  readonly #overlay: Patch;
  readonly #variables: ReadonlyMap<string, string>;

  constructor(source: YamlSource, overlay: Patch, variables: ReadonlyMap<string, string>) {
    this.#source = source;
    this.#overlay = overlay;
    this.#variables = variables;
  }

  of(path: SettingPath): Origin {
    for (let length = path.length; length > 0; length--) {
      const variable = this.#variables.get(pathId(path.slice(0, length)));
      if (variable !== undefined) return { layer: 'environment', variable };
    }
    const changed = found(this.#overlay, path);
    if (changed === 'value') return { layer: 'api' };
    const line = this.#source.line(path);
    if (line !== undefined) return { layer: 'file', line };
    return changed === 'part' && path.length > 1 ? { layer: 'api' } : { layer: 'default' };
  }

  /** The variable that sets this place, something around it or something in it. */
  variableAround(path: SettingPath): string | undefined {
    const place = pathId(path);
    for (const [id, variable] of this.#variables) {
      if (id === place || place.startsWith(`${id}\0`) || id.startsWith(`${place}\0`)) return variable;
    }
    return undefined;
  }

  /** Where to look for something that is wrong or missing: the setting itself, else the nearest thing around it. */
  nearest(path: SettingPath): Origin {
    for (let length = path.length; length > 0; length--) {
      const origin = this.of(path.slice(0, length));
      if (origin.layer !== 'default') return origin;
    }
    return { layer: 'default' };
  }
}
