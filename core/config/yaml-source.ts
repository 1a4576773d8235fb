import { isMap, isScalar, isSeq, LineCounter, type Node, parseDocument } from 'yaml';
import type { Problem } from '../domain/errors.ts';
import { entryKeys, pathId, type SettingPath, showPath } from './setting-path.ts';

/** A parsed YAML file that knows on which line each setting stands. */
export interface YamlSource {
  /** Plain data; null for an empty file. */
  readonly value: unknown;
  readonly problems: readonly Problem[];
  /** True when the text cannot be understood, so that `value` means nothing. */
  readonly broken: boolean;
  /** Line of the setting itself, counted from 1; undefined if the file does not hold it. */
  line(path: SettingPath): number | undefined;
}

/** Reads YAML 1.2. Syntax errors and duplicate keys are reported, never thrown. */
export function parseYaml(text: string, file: string): YamlSource {
  const counter = new LineCounter();
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false });
  const lines = new Map<string, number>();
  const lineOf = (offset: number) => counter.linePos(offset).line;

  const visit = (node: unknown, value: unknown, path: SettingPath): void => {
    if (isMap(node)) {
      for (const { key, value: child } of node.items) {
        const name = String(isScalar(key) ? key.value : key);
        const childPath = [...path, name];
        const start = (key as Node | null)?.range?.[0];
        if (start !== undefined) lines.set(pathId(childPath), lineOf(start));
        visit(child, (value as Record<string, unknown> | null)?.[name], childPath);
      }
    } else if (isSeq(node) && Array.isArray(value)) {
      const keys = entryKeys(value);
      node.items.forEach((item, index) => {
        const childPath = [...path, keys[index] ?? String(index)];
        const start = (item as Node | null)?.range?.[0];
        if (start !== undefined) lines.set(pathId(childPath), lineOf(start));
        visit(item, value[index], childPath);
      });
    }
  };

  const broken = document.errors.some((error) => error.code !== 'DUPLICATE_KEY');
  const value: unknown = broken ? null : document.toJS();
  visit(document.contents, value, []);

  const problems = document.errors.map((error): Problem => {
    const line = lineOf(error.pos[0]);
    if (error.code !== 'DUPLICATE_KEY') return { path: '', line, file, message: `not valid YAML: ${error.message}` };
    const name = /^[\w.-]+/.exec(text.slice(error.pos[0]))?.[0] ?? '';
    const path = [...lines.keys()]
      .map((id) => id.split('\0'))
      .find((each) => {
        return each.at(-1) === name && lines.get(pathId(each)) === line;
      });
    return { path: showPath(path ?? [name]), line, file, message: 'is set twice here; remove one of the two' };
  });
  return { value, problems, broken, line: (path) => lines.get(pathId(path)) };
}
