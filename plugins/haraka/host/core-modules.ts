import { existsSync } from 'node:fs';
import { createRequire, Module } from 'node:module';
import { join, relative } from 'node:path';
import { SluiceError } from '../../../core/domain/errors.ts';
import type { HarakaProcess } from './haraka-process.ts';
import { harakaPackage } from './home.ts';

const own = createRequire(import.meta.url);

/** `./outbound/index.js`, `outbound` and so on, as one name. */
const plainName = (name: string): string => name.replace(/^\.\//, '').replace(/(?:\/index)?\.js$/, '');

/**
 * The modules of Haraka's core that plugins ask for. Those that hold a server together (`server`, `connection`,
 * `plugins`, `logger`, `outbound`) have facades here, which Haraka's other modules (`smtp_client`, `tls_socket`) get as
 * well; these others come from the package `Haraka`, where it is installed.
 */
export class CoreModules {
  /** The folder of the package `Haraka`, or null. */
  readonly folder: string | null;
  readonly #process: HarakaProcess;
  readonly #home: string;
  readonly #require: NodeJS.Require | null;

  constructor(process: HarakaProcess, home: string) {
    this.#process = process;
    this.#home = home;
    this.folder = harakaPackage(home);
    this.#require = this.folder === null ? null : createRequire(join(this.folder, 'package.json'));
    if (this.folder !== null) this.#standIn(this.folder);
  }

  /** Puts the facades where Haraka's own modules would be loaded, so that whoever requires those meets them. */
  #standIn(folder: string): void {
    for (const [name, facade] of Object.entries(this.#process.facades())) {
      const path = ['', '/index'].map((end) => join(folder, `${name}${end}.js`)).find((each) => existsSync(each));
      if (path === undefined || own.cache[path] !== undefined) continue;
      const module = new Module(path);
      module.exports = facade;
      module.loaded = true;
      own.cache[path] = module;
    }
  }

  has(name: string): boolean {
    const plain = plainName(name);
    return (
      Object.hasOwn(this.#process.facades(), plain) ||
      (this.folder !== null && existsSync(join(this.folder, `${plain}.js`)))
    );
  }

  /** Throws `PLUGIN_UNKNOWN` where the package is missing, and the error of `require` where the module is. */
  named(name: string): unknown {
    const plain = plainName(name);
    const facades = this.#process.facades();
    if (Object.hasOwn(facades, plain)) return facades[plain];
    if (this.#require !== null) return this.#require(`./${plain}`);
    throw new SluiceError(
      'PLUGIN_UNKNOWN',
      `The module ${plain} is part of the package Haraka, which is not installed: cd ${this.#home} && npm install Haraka`,
    );
  }

  /** The core's module at this path, reached by way of the plugin's own folder; undefined where it is none. */
  at(path: string): unknown {
    if (this.folder === null) return undefined;
    const name = relative(this.folder, path);
    if (name.startsWith('..') || name.startsWith('plugins')) return undefined;
    return this.has(name) ? this.named(name) : undefined;
  }

  /** A package as Haraka would find it, or Sluice; undefined where neither does. */
  fromElsewhere(name: string): unknown {
    for (const require of [this.#require, own]) {
      try {
        if (require !== null) return require(name);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND')) throw error;
      }
    }
    return undefined;
  }
}
