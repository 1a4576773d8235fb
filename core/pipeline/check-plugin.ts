import { type Problem, SluiceError } from '../domain/errors.ts';
import type { HookName } from './hooks.ts';
import { hookTable } from './hooks.ts';
import { contractVersion, type Handler, type HookHandlers, type LivePlugin, type Plugin } from './plugin.ts';
import type { Needs } from './token.ts';

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isText = (value: unknown): value is string => typeof value === 'string' && value !== '';

/** What every part of a plugin has to be; the text completes "`name` has to be …". */
const shape: Readonly<Record<keyof Plugin, readonly [(value: unknown) => boolean, string]>> = {
  name: [isText, 'a text'],
  version: [isText, 'a text such as 1.0.0'],
  contract: [Number.isInteger, 'the number of the contract it was written for'],
  summary: [isText, 'a sentence that tells what it does'],
  roles: [
    (value) => Array.isArray(value) && value.length > 0 && value.every((role) => role === 'smtp' || role === 'worker'),
    "a list of 'smtp', 'worker' or both",
  ],
  config: [(value) => isObject(value) && typeof value.safeParseAsync === 'function', 'a zod schema'],
  needs: [
    (value) => isObject(value) && Object.values(value).every((need) => typeof need === 'symbol'),
    'an object of service tokens ({} for none)',
  ],
  init: [(value) => typeof value === 'function', 'a function'],
};

const incompatible = (use: string, message: string, problems?: readonly Problem[]): SluiceError =>
  new SluiceError('PLUGIN_INCOMPATIBLE', `The plugin ${use} ${message}`, problems === undefined ? {} : { problems });

/** Takes a loaded value for a plugin if it is one, of this contract version or the one before; else throws `PLUGIN_INCOMPATIBLE`. */
export function checkPlugin(value: unknown, use: string): Plugin {
  if (!isObject(value)) throw incompatible(use, 'is no plugin; export the value that definePlugin gives');
  const oldest = Math.max(1, contractVersion - 1);
  const { contract } = value;
  if (typeof contract === 'number' && (contract > contractVersion || contract < oldest)) {
    const advice = contract > contractVersion ? 'update Sluice' : 'update the plugin';
    throw incompatible(
      use,
      `speaks contract version ${contract}; this Sluice speaks ${oldest === contractVersion ? '' : `${oldest} and `}${contractVersion}: ${advice}`,
    );
  }
  const problems = Object.entries(shape)
    .filter(([key, [fits]]) => !fits(value[key]))
    .map(([key, [, text]]) => ({ path: key, message: `${key} has to be ${text}` }));
  if (problems.length > 0) {
    throw incompatible(use, `is not whole: ${problems.map((problem) => problem.message).join('; ')}`, problems);
  }
  return value as unknown as Plugin;
}

/** The plugin's part of the configuration with defaults filled in; throws `PLUGIN_CONFIG_INVALID` with a path for each problem. */
export async function checkPluginConfig(plugin: Plugin, id: string, config: unknown): Promise<unknown> {
  const parsed = await plugin.config.safeParseAsync(config);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => ({
    path: ['plugins', id, 'config', ...issue.path.map(String)].join('.'),
    message: issue.message,
  }));
  throw new SluiceError(
    'PLUGIN_CONFIG_INVALID',
    `The configuration of the plugin ${id} is not valid: ${problems.map((p) => `${p.path}: ${p.message}`).join('; ')}`,
    { problems },
  );
}

/** The services the plugin needs, by the names it gave them; throws `PLUGIN_INCOMPATIBLE` naming those that are not there. */
export function checkServices(
  plugin: Plugin,
  id: string,
  find: (token: symbol) => unknown,
  role: 'smtp' | 'worker',
): Record<string, unknown> {
  const needs: Needs = plugin.needs;
  const found = Object.fromEntries(Object.entries(needs).map(([name, token]) => [name, find(token)]));
  const missing = Object.entries(needs).filter(([name]) => found[name] === undefined);
  if (missing.length === 0) return found;
  const names = missing.map(([, token]) => token.description ?? 'a token without a name').join(', ');
  throw incompatible(id, `needs services that the ${role} process does not have: ${names}`);
}

/** A handler with its place, whichever of the allowed forms it was given in. */
export type FoundHandler = Exclude<Handler<HookName>, (...args: never) => unknown>;

function checkHandler(handler: unknown, id: string, hook: string): FoundHandler {
  const found = typeof handler === 'function' ? { handler } : handler;
  if (isObject(found) && typeof found.handler === 'function') return found as unknown as FoundHandler;
  throw incompatible(id, `gives the hook ${hook} something that is no function`);
}

/** All handlers of a started plugin, by hook; throws `PLUGIN_INCOMPATIBLE` for hooks that do not exist and for what is no handler. */
export function checkHandlers(live: LivePlugin, id: string): Map<HookName, FoundHandler[]> {
  const hooks: unknown = isObject(live) ? live.hooks : undefined;
  if (!isObject(hooks)) throw incompatible(id, 'gave no hooks: init has to answer { hooks: { … } }');
  const handlers = new Map<HookName, FoundHandler[]>();
  for (const [hook, given] of Object.entries(hooks as HookHandlers)) {
    if (!isHook(hook)) throw incompatible(id, `handles a hook that does not exist: ${hook}`);
    const list: readonly unknown[] = given === undefined ? [] : Array.isArray(given) ? given : [given];
    if (list.length === 0) continue;
    handlers.set(
      hook,
      list.map((handler) => checkHandler(handler, id, hook)),
    );
  }
  return handlers;
}

const isHook = (name: string): name is HookName => Object.hasOwn(hookTable, name);
