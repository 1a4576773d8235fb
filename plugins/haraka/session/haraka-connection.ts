import type { Session } from '../../../core/pipeline/plugin.ts';
import { reply } from '../../../core/pipeline/plugin.ts';
import type { SessionControl } from '../../../core/pipeline/session-control.ts';
import type { HarakaProcess } from '../host/haraka-process.ts';
import { Logging } from '../host/harakas-log.ts';
import type { ServerObject } from '../host/server-object.ts';
import { replyLines } from '../reply-words.ts';
import type { HarakaTransaction } from './haraka-transaction.ts';
import { authenticationResults, receivedLine } from './header-lines.ts';
import { setPath } from './property-path.ts';
import { SocketFacade } from './socket-facade.ts';
import type { Notes, ResultStore } from './types.ts';

interface Endpoint {
  ip: string | null;
  port: number | null;
  host: string | null;
  info: string | null;
}

const count = () => ({ accept: 0, tempfail: 0, reject: 0 });

/** What a change by a plugin means for the session: told once the hook has answered. */
export type Changed = 'remote' | 'hello' | 'local';

/**
 * A client's connection as Haraka's plugins know it; one a session, shared by all bridges. Names are Haraka's. What
 * plugins find out is kept here, what they change is carried over to the session by the bridge.
 */
export class Connection extends Logging {
  [name: string]: unknown;
  readonly server: ServerObject;
  readonly client: SocketFacade;
  uuid: string;
  local: Endpoint;
  remote: Endpoint & { closed: boolean; is_private: boolean; is_local: boolean; login?: string };
  hello: { host: string | null; verb: string | null } = { host: null, verb: null };
  tls: Record<string, unknown> = { enabled: false, advertised: false, verified: false, cipher: {} };
  proxy: Record<string, unknown> = { allowed: false, ip: null, type: null, timer: null };
  notes: Notes;
  results: ResultStore;
  transaction: HarakaTransaction | null = null;
  tran_count = 0;
  capabilities: string[] | null = null;
  pipelining = false;
  esmtp = false;
  encoding = 'utf8';
  errors = 0;
  rcpt_count = count();
  msg_count = count();
  current_line: string | null = null;
  current_data: Buffer | null = null;
  last_response: string | null = null;
  last_reject = '';
  last_rcpt_msg: unknown = null;
  start_time = Date.now();
  totalbytes = 0;
  authheader: string | undefined = undefined;
  hook: string | null = null;
  state: number;
  loop_code: number | null = null;
  loop_msg: unknown = null;
  cancelHook: (() => void) | null = null;
  readonly #process: HarakaProcess;
  readonly #control: SessionControl | null;
  readonly #changed = new Set<Changed>();
  #relaying = false;
  #earlyTalker = false;
  #over = false;
  /** True once a plugin spoke for itself in the hook under way. */
  responded = false;

  constructor(process: HarakaProcess, session: Session, control: SessionControl | null, hostname: string) {
    super();
    const { libraries, server } = process;
    this.#process = process;
    this.#control = control;
    this.server = server;
    this.uuid = session.id.toUpperCase();
    this.state = libraries.constants.connection.state.CMD ?? 0;
    this.local = { ip: session.local.address, port: session.local.port, host: hostname, info: 'Sluice' };
    this.remote = {
      ip: null,
      port: session.remote.port,
      host: null,
      info: null,
      closed: false,
      is_private: false,
      is_local: false,
    };
    this.notes = new libraries.Notes();
    this.results = new libraries.ResultStore(this);
    this.client = new SocketFacade(process, control, this.remote, this.local);
    this.set('remote.ip', session.remote.address);
    this.#tellProxy(control?.proxy ?? null);
    this.#changed.clear();
    this.results.add({ name: 'local' }, this.local);
    this.results.add({ name: 'remote' }, this.remote);
  }

  /** What Haraka notes of a PROXY header. */
  #tellProxy(address: string | null): void {
    if (address === null) return;
    const { remote, local } = this;
    this.proxy = { ...this.proxy, allowed: true, ip: address, type: 'haproxy' };
    this.notes.proxy = {
      type: 'haproxy',
      proto: remote.ip?.includes(':') ? 'TCP6' : 'TCP4',
      src_ip: remote.ip,
      src_port: String(remote.port),
      dst_ip: local.ip,
      dst_port: String(local.port),
      proxy_ip: address,
    };
  }

  /** True once the client is gone. */
  get over(): boolean {
    return this.#over;
  }

  /** What plugins changed since it was last asked. */
  takeChanges(): ReadonlySet<Changed> {
    const changes = new Set(this.#changed);
    this.#changed.clear();
    return changes;
  }

  get early_talker(): boolean {
    return this.#earlyTalker || this.#control?.earlyTalker === true;
  }

  set early_talker(value: boolean) {
    this.#earlyTalker = value;
  }

  /** Permission to relay; a transaction's own, once there is one. */
  get relaying(): boolean {
    const { transaction } = this;
    return transaction !== null && transaction._relaying !== undefined ? transaction._relaying : this.#relaying;
  }

  set relaying(value: boolean) {
    if (this.transaction === null) this.#relaying = value;
    else this.transaction._relaying = value;
  }

  get(path: string): unknown {
    return path.split('.').reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], this);
  }

  /** `set('remote.ip', value)`, or `set('remote', 'ip', value)`. */
  set(...args: [path: string, value: unknown] | [object: string, key: string, value: unknown]): void {
    const [path, value] = args.length === 3 ? [`${args[0]}.${args[1]}`, args[2]] : args;
    setPath(this, path, value);
    const root = path.split('.', 1)[0];
    if (path === 'remote.ip' || path === 'remote.port') this.#changed.add('remote');
    else if (root === 'hello') this.#changed.add('hello');
    else if (root === 'local') this.#changed.add('local');
    if (path !== 'remote.ip') return;
    const { network } = this.#process.libraries;
    const ip = String(value);
    this.remote.is_local = network.is_local_ip(ip);
    this.remote.is_private = this.remote.is_local || network.is_private_ip(ip);
  }

  setTLS(facts: Record<string, unknown>): void {
    this.set('hello', 'host', undefined);
    this.tls.enabled = true;
    for (const key of ['cipher', 'verified', 'verifyError', 'peerCertificate']) {
      if (facts[key] !== undefined) this.tls[key] = facts[key];
    }
    this.notes.tls = {
      authorized: facts.verified,
      authorizationError: facts.verifyError,
      cipher: facts.cipher,
      peerCertificate: facts.peerCertificate,
    };
  }

  get_remote(property: string): string {
    const value = (this.remote as unknown as Record<string, unknown>)[property];
    const unknown =
      value === undefined || value === null || value === '' || value === 'NXDOMAIN' || value === 'DNSERROR';
    return unknown ? `[${this.remote.ip}]` : `${value} [${this.remote.ip}]`;
  }

  /** Says something to the client at once, in the plugin's own words; `done` is called behind it. */
  respond(code: number, message: unknown, done?: () => void): void {
    const words = replyLines(Number(code), message);
    const text = words.lines.length === 0 ? [' '] : words.lines;
    this.responded = true;
    if (words.code >= 400) this.last_reject = `${words.code} ${text.join(' ')}`;
    this.last_response = text.map((line) => `${words.code} ${line}\r\n`).join('');
    this.#control?.send(reply(words.code, null, text));
    done?.();
  }

  loop_respond(code: number, message: unknown): void {
    this.loop_code = code;
    this.loop_msg = message;
    this.respond(code, message);
  }

  disconnect(): void {
    this.#control?.disconnect();
  }

  fail(error: unknown): void {
    if (error) this.logwarn(error);
    this.disconnect();
  }

  pause(): void {
    this.#control?.pause();
  }

  resume(): void {
    this.#control?.resume();
  }

  /** Ends the transaction as RSET does. */
  reset_transaction(done?: () => void): void {
    this.#control?.resetTransaction();
    done?.();
  }

  init_transaction(done?: () => void): void {
    done?.();
  }

  /** The field body of Received, as Haraka writes it. */
  received_line(): string {
    return receivedLine(this, this.#process.libraries.utilities);
  }

  /** Notes a result, if there is one, and answers the field body of Authentication-Results with all so far. */
  auth_results(message?: string): string {
    return authenticationResults(this, this.#process.libraries.utilities, message);
  }

  /** A new transaction; Haraka numbers them within the connection. */
  nextTransactionId(): string {
    this.tran_count += 1;
    return `${this.uuid}.${this.tran_count}`;
  }

  /** The client is gone. */
  end(): void {
    this.#over = true;
    this.remote.closed = true;
    this.state = this.#process.libraries.constants.connection.state.DISCONNECTING ?? 99;
  }
}
