import type { Need } from '../../support/available.ts';
import type { SinkScript } from '../../support/sink-script.ts';
import type { DnsZone } from './dns-server.ts';
import type { Step } from './session.ts';
import type { Shown } from './shown.ts';

/** Where the servers around one server under comparison are; ports of loopback. */
export interface Surroundings {
  readonly sink: number;
  readonly redis: number;
  readonly clamd: number;
  readonly spamd: number;
}

/** Text of files in the config folder, by name. */
export type ConfigFiles = Readonly<Record<string, string | Buffer>>;

/** One connection of a client. */
export interface Session {
  /** Address the client seems to have; default: none told, or 127.0.0.1 where other cases tell one. */
  readonly client?: string;
  readonly script: readonly Step[];
}

/** One session, played to every server. */
export interface Case extends Session {
  readonly name: string;
  /** Sessions that go before it and are not compared. */
  readonly earlier?: readonly Session[];
  /** A reply that takes this many milliseconds or longer counts as slow, and must on every side. */
  readonly slow?: number;
  /**
   * What differs in replies and mail, where Sluice means to differ; otherwise nothing may. What plugins find then differs,
   * too, and is not listed.
   */
  readonly shows?: Shown;
  /** How many messages the sink shall get, where the reply does not wait for them. */
  readonly mails?: number;
  /** How the sink misbehaves in this session. */
  readonly sink?: SinkScript;
}

/** One configuration, and the cases that are played against the processes that run with it. */
export interface Setup {
  readonly name?: string;
  readonly files?: (at: Surroundings) => ConfigFiles | Promise<ConfigFiles>;
  /** In the list before the plugin, and there with the plugin off, too. */
  readonly before?: readonly string[];
  /** As `before`, but behind it. */
  readonly after?: readonly string[];
  /** Who takes accepted mail to the sink; default `server`: Haraka by smtp_forward, Sluice by its own delivery. */
  readonly queue?: 'server' | 'plugins';
  readonly environment?: Readonly<Record<string, string>>;
  /** Keys set in database 0 of each Redis before the server starts. */
  readonly redisKeys?: (at: Pick<Surroundings, 'sink'>) => Readonly<Record<string, string>>;
  readonly cases: readonly Case[];
}

/** Sessions of servers with the plugins that the setups name, and no more. */
export interface SessionCases {
  readonly needs?: readonly Need[];
  /** Which servers of the surroundings it talks to. */
  readonly services?: readonly ('redis' | 'clamd' | 'spamd')[];
  readonly dns?: DnsZone;
  readonly setups: readonly Setup[];
}

/** All that is compared of one plugin. */
export interface PluginCases extends SessionCases {
  /** As in Haraka's `config/plugins`. */
  readonly plugin: string;
}
