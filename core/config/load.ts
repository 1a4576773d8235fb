import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { type Problem, SluiceError } from '../domain/errors.ts';
import { certificateProblem } from './certificate.ts';
import { checkTogether } from './checks.ts';
import { type Environment, readEnvironment } from './environment.ts';
import { nodeAt } from './environment-names.ts';
import { missingSecrets, resolveMode } from './mode.ts';
import { type Origin, Origins } from './origins.ts';
import { noOverlay, type PluginOverlay, withOverlay } from './plugin-overlay.ts';
import { type PluginSchemas, PluginSettingSchemas } from './plugin-settings.ts';
import { type Config, configSchema } from './schema.ts';
import { schemaNode } from './schema-node.ts';
import { isRecord, type SettingPath, showPath, valueAt } from './setting-path.ts';
import { duplicates, type Mistake, validate, withoutMistakes } from './validation.ts';
import { parseYaml } from './yaml-source.ts';

export interface LoadOptions {
  /** The file; default `SLUICE_CONFIG`, else the one that comes with Sluice. Relative to `cwd`. */
  readonly path?: string | undefined;
  readonly env: Environment;
  readonly cwd: string;
  readonly pluginSchemas?: PluginSchemas;
  /** What was changed through the API; between file and environment. */
  readonly overlay?: PluginOverlay;
}

export interface LoadedConfiguration {
  /** Checked, frozen, with defaults; `mode` is decided, paths of files are absolute. */
  readonly config: Config;
  readonly file: string;
  /** Folder from which paths in the file count. */
  readonly baseDir: string;
  readonly warnings: readonly Problem[];
  /** Where a setting's value came from. */
  origin(path: SettingPath): Origin;
  /** The environment variable that sets this place, something around it or something in it. */
  variableAround(path: SettingPath): string | undefined;
  /** What the file itself says at a place, without overlay and environment; undefined for nothing. */
  written(path: SettingPath): unknown;
  /** Ids of plugins, and paths of entries of lists, that the overlay patches and the file does not name. */
  readonly dormant: readonly string[];
}

/** The annotated file that comes with Sluice. */
export const shippedFile = resolve(import.meta.dirname, '../../configs/sluice.yaml');

const root = schemaNode(configSchema);

function freeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const inner of Object.values(value)) freeze(inner);
  }
  return value;
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new SluiceError('CONFIG_UNREADABLE', `${reason}. Name another file by --config or SLUICE_CONFIG.`, { cause });
  }
}

/** Paths of files count from the configuration file, or from the working folder where the environment gave them. */
function absolute(config: Config, baseDir: string, cwd: string, origins: Origins): Config {
  const files = <T extends { readonly certificate?: string | undefined; readonly key?: string | undefined }>(
    tls: T,
    room: 'smtp' | 'api',
  ) => {
    const { certificate, key } = tls;
    const from = (name: string) => (origins.of([room, 'tls', name]).layer === 'environment' ? cwd : baseDir);
    return {
      ...tls,
      ...(certificate === undefined ? {} : { certificate: resolve(from('certificate'), certificate) }),
      ...(key === undefined ? {} : { key: resolve(from('key'), key) }),
    };
  };
  return {
    ...config,
    data_dir: resolve(cwd, config.data_dir),
    smtp: { ...config.smtp, tls: files(config.smtp.tls, 'smtp') },
    api: { ...config.api, ...(config.api.tls === undefined ? {} : { tls: files(config.api.tls, 'api') }) },
  };
}

/**
 * Reads file, overlay and environment (the strongest last), checks everything, and reports all that is wrong at once.
 * Throws `CONFIG_UNREADABLE`, or `CONFIG_INVALID` with a problem for each place.
 */
export async function loadConfiguration(options: LoadOptions): Promise<LoadedConfiguration> {
  const { env, cwd } = options;
  const file = resolve(cwd, options.path ?? (env.SLUICE_CONFIG || shippedFile));
  const baseDir = dirname(file);
  const source = parseYaml(read(file), file);
  const invalid = (found: readonly Problem[]): never => {
    // In the order of the file; what the environment brought comes last.
    const problems = [...found].sort((a, b) => (a.line ?? Infinity) - (b.line ?? Infinity) || 0);
    const count = problems.length === 1 ? 'One problem' : `${problems.length} problems`;
    throw new SluiceError('CONFIG_INVALID', `${count} in the configuration ${file}`, { problems });
  };
  if (source.broken) invalid(source.problems);
  if (source.value !== null && !isRecord(source.value)) {
    invalid([
      { path: '', file, line: 1, message: 'expected keys with values, such as `plugins:`, and found something else' },
    ]);
  }

  const written = isRecord(source.value) ? source.value : {};
  const plugins = await PluginSettingSchemas.find(written, baseDir, options.pluginSchemas ?? (() => undefined));
  const overlaid = withOverlay(written, options.overlay ?? noOverlay, (path) => plugins.nodeAt(root, path));
  const environment = readEnvironment(env, overlaid.value, root, plugins.nodes);
  const origins = new Origins(source, overlaid.applied, environment.variables);
  const place = ({ path, message }: Mistake): Problem => {
    const origin = origins.nearest(path);
    const shown = showPath(path);
    if (origin.layer === 'environment') return { path: shown, variable: origin.variable, message };
    if (origin.layer === 'api') return { path: shown, message: `${message} (set through the API)` };
    return { path: shown, message, file, ...(origin.layer === 'file' ? { line: origin.line } : {}) };
  };

  const result = await validate(configSchema, environment.value, [], (path) => nodeAt(root, path));
  const own = await plugins.mistakes(environment.value);
  const mistakes = [...duplicates(environment.value), ...result.mistakes, ...own];

  // With some settings wrong, the others can still be looked at together; so one start shows as much as it can.
  const config = result.data ?? configSchema.safeParse(withoutMistakes(environment.value, result.issues)).data;
  if (config === undefined) return invalid([...source.problems, ...environment.problems, ...mistakes.map(place)]);
  const located = absolute(config, baseDir, cwd, origins);
  const together = checkTogether(located);
  mistakes.push(...together.problems);
  for (const certificate of [
    certificateProblem(located.smtp.tls, ['smtp', 'tls']),
    certificateProblem(located.api.tls ?? {}, ['api', 'tls']),
  ]) {
    if (certificate !== undefined) mistakes.push(certificate);
  }
  const mode = resolveMode(config);
  // A URL that was wrong is missing from what is left of the configuration, which is no second mistake.
  const urlsRead = mistakes.every(({ path }) => path[0] !== 'redis_url' && path[0] !== 'mongodb_uri');
  if (typeof mode === 'object' && urlsRead) mistakes.push(mode);
  if (mode === 'cluster') mistakes.push(...missingSecrets(config));

  const problems = [...source.problems, ...environment.problems, ...mistakes.map(place)];
  if (problems.length > 0) invalid(problems);
  return {
    // A mistake above, where it is neither.
    config: freeze({ ...located, mode: typeof mode === 'string' ? mode : config.mode }),
    file,
    baseDir,
    warnings: [...environment.warnings, ...together.warnings.map(place)],
    origin: (path) => origins.of(path),
    variableAround: (path) => origins.variableAround(path),
    written: (path) => valueAt(written, path),
    dormant: overlaid.dormant,
  };
}
