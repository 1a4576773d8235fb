import type { Patch } from './layers.ts';
import { isRecord, pathId, type SettingPath } from './setting-path.ts';
import type { YamlSource } from './yaml-source.ts';

/** Where a value came from. `line` counts from 1. */
export type Origin =
  | { readonly layer: 'environment'; readonly variable: string }
  | { readonly layer: 'api' }
  | { readonly layer: 'file'; readonly line: number }
  | { readonly layer: 'default' };

const holds = (patch: unknown, path: SettingPath): boolean => {
  let value = patch;
  for (const key of path) {
    if (!isRecord(value) || !Object.hasOwn(value, key)) return false;
    value = value[key];
  }
  return true;
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
    if (path.length > 0 && holds(this.#overlay, path)) return { layer: 'api' };
    const line = this.#source.line(path);
    return line === undefined ? { layer: 'default' } : { layer: 'file', line };
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
