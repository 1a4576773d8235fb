/*
 * Haraka's small libraries as far as the bridge uses them; they bring no types of their own.
 */

declare module 'haraka-constants' {
  const constants: {
    readonly cont: number;
    readonly deny: number;
    readonly denysoft: number;
    readonly denydisconnect: number;
    readonly denysoftdisconnect: number;
    readonly disconnect: number;
    readonly ok: number;
    readonly next_hook: number;
    readonly delay: number;
    /** Puts CONT, DENY and so on onto an object. */
    import(target: object): void;
    translate(code: number): string;
    readonly connection: { readonly state: Readonly<Record<string, number>> };
  };
  export default constants;
}

declare module 'haraka-notes' {
  /** Notes with `get('a.b')` and `set('a.b', value)`. */
  export default class Notes {
    constructor(notes?: object);
    [name: string]: unknown;
    get(path: string | readonly string[]): unknown;
    set(path: string | readonly string[], value: unknown, onlyWhenUndefined?: boolean): void;
  }
}

declare module 'haraka-results' {
  /** What plugins found out, by plugin. `target` has log methods. */
  export default class ResultStore {
    constructor(target: object);
    add(plugin: { readonly name: string } | string, result: object): string;
    push(plugin: { readonly name: string } | string, result: object): string;
    incr(plugin: { readonly name: string } | string, result: object): void;
    has(plugin: string, list: string, search: unknown): boolean;
    get(plugin: string): Record<string, unknown> | undefined;
    get_all(): Record<string, Record<string, unknown>>;
    collate(plugin: string): string | undefined;
  }
}

declare module 'haraka-utils' {
  const utilities: {
    uuid(): string;
    sanitize(text: string, options?: { replacement?: string; keepTab?: boolean }): string;
    date_to_str(date: Date): string;
    indexOfLF(bytes: Uint8Array, most?: number): number;
  };
  export default utilities;
}

declare module 'haraka-config' {
  export interface HarakaFiles {
    root_path: string;
    overrides_path?: string;
    get(name: string, ...how: readonly unknown[]): unknown;
    module_config(defaults: string, overrides?: string): HarakaFiles;
    stop_watching(name: string): void;
  }
  const files: HarakaFiles;
  export default files;
}

declare module 'haraka-net-utils' {
  const network: {
    get_primary_host_name(): string;
    is_local_ip(address: string): boolean;
    is_private_ip(address: string): boolean;
  };
  export default network;
}

declare module 'haraka-email-message' {
  import type { EventEmitter } from 'node:events';

  /** A parsed header block; lines as `Name: value\n`. */
  export class Header {
    headers: Record<string, string[]>;
    headers_decoded: Record<string, string[]>;
    header_list: string[];
    parse(lines: readonly string[]): void;
    get(name: string): string;
    get_all(name: string): readonly string[];
    get_decoded(name: string): string;
    get_addresses(name: string): unknown[];
    add(name: string, value: string): void;
    add_end(name: string, value: string): void;
    remove(name: string): void;
    lines(): readonly string[];
  }

  /** A MIME part while it is parsed; filters and banners change what it gives back. */
  export class Body extends EventEmitter {
    constructor(header: Header);
    bodytext: string;
    children: Body[];
    add_filter(filter: (contentType: string, encoding: string, bytes: Buffer) => Buffer | undefined): void;
    set_banner(banner: readonly [string, string]): void;
    parse_more(line: Buffer | string): Buffer | string;
    parse_end(): Buffer | string;
    force_end(): void;
  }

  export interface PipeOptions {
    line_endings?: string;
    dot_stuffed?: boolean;
    dot_stuffing?: boolean;
    ending_dot?: boolean;
    skip_headers?: boolean;
    clamd_style?: boolean;
    end?: boolean;
  }

  export class MessageStream extends EventEmitter {
    constructor(cfg: object, id: string, headers: readonly string[]);
    readonly bytes_read: number;
    /** Octets that wait to be written to a file. */
    readonly buffered: number;
    /** True once it writes to a file. */
    readonly spooling: boolean;
    add_line(line: Buffer | string): void;
    add_line_end(done?: () => void): void;
    pipe(destination: NodeJS.WritableStream, options?: PipeOptions): NodeJS.WritableStream;
    unpipe(): void;
    get_data(options: PipeOptions, done: (bytes: Buffer) => void): void;
    destroy(): void;
    [Symbol.asyncIterator](options?: PipeOptions): AsyncIterator<Buffer>;
  }

  const modules: {
    readonly Header: typeof Header;
    readonly Body: typeof Body;
    readonly stream: typeof MessageStream;
  };
  export default modules;
}
