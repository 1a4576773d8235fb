import { inspect } from 'node:util';
import type { Logger } from '../../../core/observability/log.ts';

/** Haraka's levels, the most talkative first, and ours for each. INFO of Haraka speaks of every hook of every mail. */
const levels = {
  DATA: { number: 9, ours: 'trace' },
  PROTOCOL: { number: 8, ours: 'trace' },
  DEBUG: { number: 7, ours: 'trace' },
  INFO: { number: 6, ours: 'debug' },
  NOTICE: { number: 5, ours: 'info' },
  WARN: { number: 4, ours: 'warn' },
  ERROR: { number: 3, ours: 'error' },
  CRIT: { number: 2, ours: 'error' },
  ALERT: { number: 1, ours: 'error' },
  EMERG: { number: 0, ours: 'fatal' },
} as const;

export type LevelName = keyof typeof levels;
export const levelNames = Object.keys(levels) as LevelName[];

export type LogMethod = (...data: unknown[]) => void;
/** `logdebug`, `loginfo` and so on, as plugins call them on everything they are handed. */
export type LogMethods = { readonly [L in LevelName as `log${Lowercase<L>}`]: LogMethod };

/** What `addTo` gives to the prototype of a class of plugins' objects, told to the compiler; at run time it is empty. */
export abstract class Logging implements LogMethods {
  declare readonly logdata: LogMethod;
  declare readonly logprotocol: LogMethod;
  declare readonly logdebug: LogMethod;
  declare readonly loginfo: LogMethod;
  declare readonly lognotice: LogMethod;
  declare readonly logwarn: LogMethod;
  declare readonly logerror: LogMethod;
  declare readonly logcrit: LogMethod;
  declare readonly logalert: LogMethod;
  declare readonly logemerg: LogMethod;
}

/** One line for `log` hooks. */
export interface LogItem {
  readonly level: LevelName;
  readonly data: string;
  readonly obj: { readonly level: LevelName; readonly uuid: string; readonly origin: string; readonly message: string };
}

interface Told {
  uuid: string;
  origin: string;
  message: string;
}

const isObject = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

/** Writes what Haraka's code and plugins log into this program's log, and tells `log` hooks of it. */
export class HarakasLog {
  readonly #log: Logger;
  #listeners: readonly ((item: LogItem) => void)[] = [];

  constructor(log: Logger) {
    this.#log = log;
  }

  /** Who is told of every line besides: the `log` hooks of a bridge. */
  tellAlso(listener: (item: LogItem) => void): () => void {
    this.#listeners = [...this.#listeners, listener];
    return () => {
      this.#listeners = this.#listeners.filter((each) => each !== listener);
    };
  }

  /** Haraka's `would_log`: a number of its levels. */
  wouldLog(number: number): boolean {
    const level = levelNames.find((name) => levels[name].number === number);
    return level !== undefined && this.#enabled(level);
  }

  #enabled(level: LevelName): boolean {
    return this.#listeners.length > 0 || this.#log.isLevelEnabled(levels[level].ours);
  }

  write(level: LevelName, data: readonly unknown[], origin?: string): void {
    if (!this.#enabled(level)) return;
    const told: Told = { uuid: '-', origin: origin ?? 'core', message: '' };
    for (const each of data) tell(told, each);
    const { ours } = levels[level];
    const facts = { haraka: told.origin, ...(told.uuid === '-' ? {} : { uuid: told.uuid }) };
    this.#log[ours](facts, told.message);
    if (this.#listeners.length === 0) return;
    const obj = { level, ...told };
    const item = { level, data: `[${level}] [${told.uuid}] [${told.origin}] ${oneLine(told.message)}`, obj };
    for (const listener of this.#listeners) listener(item);
  }

  /** Gives an object, or the prototype of a class, the log methods it lacks. */
  addTo<T extends object>(target: T, origin?: string): T & LogMethods {
    for (const level of levelNames) {
      const name = `log${level.toLowerCase()}`;
      if (Object.hasOwn(target, name)) continue;
      const write = (...data: readonly unknown[]) => this.write(level, data, origin);
      const method = origin === undefined ? withThis(write) : write;
      Object.defineProperty(target, name, { value: method, writable: true, configurable: true });
    }
    return target as T & LogMethods;
  }
}

/** A method that names the object it is called on, so that the line shows its plugin or connection. */
function withThis(write: (...data: readonly unknown[]) => void): (this: unknown, ...data: readonly unknown[]) => void {
  return function (this: unknown, ...data: readonly unknown[]) {
    write(this, ...data);
  };
}

const oneLine = (text: string): string => text.replaceAll(/[\r\n]/g, ' ');

function tell(told: Told, data: unknown): void {
  if (!isObject(data)) {
    if (data !== null && data !== undefined) told.message += String(data);
  } else if (data instanceof Error || Object.prototype.toString.call(data) === '[object Error]') {
    told.message = spaced(told.message) + String(data.stack ?? data.message);
  } else if (data.constructor?.name === 'Connection') {
    told.uuid = String(data.uuid);
  } else if (typeof data.name === 'string') {
    told.origin = data.name;
    if (typeof data.uuid === 'string') told.uuid = data.uuid;
    if (isObject(data.todo) && typeof data.todo.uuid === 'string') told.uuid = data.todo.uuid;
  } else if (typeof data.uuid === 'string') {
    told.uuid = data.uuid;
  } else if (isPlain(data)) {
    const facts = Object.entries(data).map(([key, value]) => `${key}=${JSON.stringify(String(value ?? ''))}`);
    told.message = spaced(told.message) + facts.join(' ');
  } else {
    told.message = spaced(told.message) + inspect(data, { depth: 1 });
  }
}

const spaced = (text: string): string => (text === '' || text.endsWith(' ') ? text : `${text} `);

/** Also for objects that were made in a plugin's sandbox, whose `Object` is another. */
const isPlain = (value: object): boolean => {
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || prototype.constructor?.name === 'Object';
};
