import { readFileSync } from 'node:fs';
import type { Problem } from '../domain/errors.ts';
import {
  environmentNames,
  freePluginSetting,
  type NamedSetting,
  nodeAt,
  type PluginNodes,
} from './environment-names.ts';
import { readValue } from './environment-value.ts';
import { applyPatch, patchAt } from './layers.ts';
import { suggestion } from './nearest-name.ts';
import { originalNames, smtpPortName, upstreamNames } from './original-names.ts';
import type { SchemaNode } from './schema-node.ts';
import { type SchemaAt, seed } from './seed.ts';
import { pathId, showPath } from './setting-path.ts';

export type Environment = Readonly<Record<string, string | undefined>>;

export interface EnvironmentReading {
  /** The configuration with what the environment sets. */
  readonly value: unknown;
  /** Name of the variable that set a path, by `pathId`. */
  readonly variables: ReadonlyMap<string, string>;
  readonly problems: readonly Problem[];
  readonly warnings: readonly Problem[];
}

/** Variables that begin with SLUICE_ and are no settings of the file. */
const otherNames = /^SLUICE_(?:CONFIG|URL|TOKEN|TEST_.*)$/;

/** The text of a variable, or of the file that `NAME_FILE` names; a string in `problem` says why there is none. */
function textOf(
  env: Environment,
  variable: string,
  plainName: string | undefined,
): { text: string } | { problem: string } {
  const given = env[variable] ?? '';
  if (plainName === undefined) return { text: given };
  if (env[plainName]) return { problem: `is set together with ${plainName}; keep one of the two` };
  try {
    return { text: readFileSync(given, 'utf8').replace(/\r?\n$/, '') };
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return { problem: `names a file that cannot be read: ${reason}` };
  }
}

function unused(variable: string, known: Iterable<string>): string | undefined {
  if (variable === smtpPortName) return 'is not used: the configuration has no listener';
  if (variable in upstreamNames) return 'is not used: the configuration has no plugin `delivery`';
  if (!variable.startsWith('SLUICE_') || otherNames.test(variable)) return undefined;
  return `sets nothing that Sluice knows${suggestion(variable, known)}`;
}

/** Names derived from the path come last, so that the exact name wins over one with a history. */
const order = (a: string, b: string): number =>
  Number(a.startsWith('SLUICE_')) - Number(b.startsWith('SLUICE_')) || (a < b ? -1 : 1);

/** Reads what the environment sets over `value`, the configuration so far. Empty variables count as not set. */
export function readEnvironment(
  env: Environment,
  value: unknown,
  root: SchemaNode,
  plugins: PluginNodes,
): EnvironmentReading {
  const problems: Problem[] = [];
  const warnings: Problem[] = [];
  const variables = new Map<string, string>();
  const known = new Map([...environmentNames(root, value, plugins), ...originalNames(root, value, plugins)]);
  const schemaAt: SchemaAt = (path) => {
    const own = path[0] === 'plugins' && path[2] === 'config' ? plugins.get(path[1] ?? '') : undefined;
    return own === undefined ? nodeAt(root, path) : nodeAt(own, path.slice(3));
  };
  const find = (name: string): NamedSetting | undefined => known.get(name) ?? freePluginSetting(name, value, plugins);

  let result = value;
  for (const variable of Object.keys(env)
    .filter((name) => env[name])
    .sort(order)) {
    const plainName =
      known.has(variable) || !variable.endsWith('_FILE') ? undefined : variable.slice(0, -'_FILE'.length);
    const setting = find(plainName ?? variable);
    if (setting === undefined) {
      const message = unused(plainName ?? variable, known.keys());
      if (message !== undefined) warnings.push({ path: '', variable, message });
      continue;
    }
    const path = showPath(setting.path);
    const read = textOf(env, variable, plainName);
    if ('problem' in read) {
      problems.push({ path, variable, message: read.problem });
      continue;
    }
    const id = pathId(setting.path);
    const earlier = variables.get(id);
    if (earlier !== undefined && env[earlier] !== env[variable]) {
      warnings.push({ path, variable, message: `outweighs ${earlier}, which sets the same` });
    }
    variables.set(id, variable);
    result = applyPatch(
      seed(result, schemaAt, setting.path),
      patchAt(setting.path, readValue(read.text, setting.node)),
    );
  }
  return { value: result, variables, problems, warnings };
}
