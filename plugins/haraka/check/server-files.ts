import type { Sections } from './trial.ts';

/** Files of the server itself that are read; those of plugins are the plugins' business. */
export const serverFiles: readonly string[] = [
  'smtp.ini',
  'connection.ini',
  'tls.ini',
  'outbound.ini',
  'log.ini',
  'http.ini',
  'smtp_forward.ini',
  'smtp_proxy.ini',
  'me',
  'host_list',
  'aliases',
  'internalcmd_key',
  'outbound.bounce_message',
];

/** The parsed files of a site; what is not there reads as empty. */
export class ServerFiles {
  readonly #files: Readonly<Record<string, unknown>>;

  constructor(files: Readonly<Record<string, unknown>>) {
    this.#files = files;
  }

  has(file: string): boolean {
    return Object.hasOwn(this.#files, file);
  }

  sections(file: string): Sections {
    const parsed = this.#files[file];
    return typeof parsed === 'object' && parsed !== null ? (parsed as Sections) : {};
  }

  /** The value of `key` in a section, as text; undefined where it is not set. */
  text(file: string, section: string, key: string): string | undefined {
    const value = this.sections(file)[section]?.[key];
    if (Array.isArray(value)) return this.list(file, section, key).join(', ') || undefined;
    return value === undefined || value === null || value === '' ? undefined : String(value);
  }

  number(file: string, section: string, key: string): number | undefined {
    const number = Number(this.text(file, section, key) ?? Number.NaN);
    return Number.isFinite(number) ? number : undefined;
  }

  /** Haraka takes these words for true. */
  flag(file: string, section: string, key: string, unset: boolean): boolean {
    const text = this.text(file, section, key);
    return text === undefined ? unset : /^(?:true|yes|ok|enabled|on|1)$/i.test(text);
  }

  list(file: string, section: string, key: string): string[] {
    const value = this.sections(file)[section]?.[key];
    if (Array.isArray(value)) return value.map(String).filter((each) => each.trim() !== '');
    return typeof value === 'string' && value.trim() !== '' ? value.split(/[\s,]+/) : [];
  }

  /** A file that is one value. */
  value(file: string): string | undefined {
    const parsed = this.#files[file];
    return parsed === undefined || parsed === null || typeof parsed === 'object' || parsed === ''
      ? undefined
      : String(parsed);
  }
}
