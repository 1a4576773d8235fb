import { EventEmitter } from 'node:events';
import type { TLSSocketOptions } from 'node:tls';
import type { Secured, SessionControl } from '../../../core/pipeline/session-control.ts';
import type { HarakaProcess } from '../host/haraka-process.ts';

type Upgraded = (authorized: boolean, error: unknown, certificate: unknown, cipher: unknown) => void;

/** What Haraka's `tls_socket` offers here: the certificates of `tls.ini`. */
export interface TlsModule {
  readonly certsByHost: Readonly<Record<string, TLSSocketOptions | undefined>>;
  getSocketOpts(name: string): Promise<TLSSocketOptions>;
}

const ready = new WeakMap<TlsModule, Promise<unknown>>();

/**
 * Has Haraka's folder of certificates read, as at its start; once. Between the 220 and the handshake there is no time for
 * it: what the client sends then would be taken for commands.
 */
export async function prepareHandshakes(module: TlsModule): Promise<void> {
  let read = ready.get(module);
  if (read === undefined) {
    read = module.getSocketOpts('*');
    ready.set(module, read);
  }
  await read;
}

/** Haraka's server does not say so of a client that showed no certificate. */
const errorOf = ({ peerCertificate, authorizationError }: Secured): Error | null =>
  Object.keys(peerCertificate).length === 0 ? null : authorizationError;

/** `connection.client`: Haraka's plugins upgrade, pause and close the socket by it; its bytes are the server's. */
export class SocketFacade extends EventEmitter {
  readonly remoteAddress: string | null;
  readonly remotePort: number | null;
  readonly localAddress: string | null;
  readonly localPort: number | null;
  readonly #process: HarakaProcess;
  readonly #control: SessionControl | null;

  constructor(
    process: HarakaProcess,
    control: SessionControl | null,
    remote: { ip: string | null; port: number | null },
    local: { ip: string | null; port: number | null },
  ) {
    super();
    this.#process = process;
    this.#control = control;
    this.remoteAddress = remote.ip;
    this.remotePort = remote.port;
    this.localAddress = local.ip;
    this.localPort = local.port;
  }

  /** The server side of a handshake, with the certificates of Haraka's `tls.ini`; a failed one closes the connection. */
  upgrade(done?: Upgraded): void {
    void this.#upgrade(done);
  }

  async #upgrade(done: Upgraded | undefined): Promise<void> {
    try {
      const module = this.#tlsModule();
      if (module.certsByHost['*'] === undefined) await prepareHandshakes(module);
      const secured = await this.#control?.upgrade(module.certsByHost['*'] ?? {});
      if (secured === undefined) return;
      const { protocol, ...cipher } = secured.cipher;
      this.emit('secure');
      done?.(secured.authorized, errorOf(secured), secured.peerCertificate, { ...cipher, version: protocol });
    } catch (error) {
      this.#process.log.write('NOTICE', ['a TLS handshake failed: ', error]);
      this.#control?.disconnect();
    }
  }

  #tlsModule(): TlsModule {
    for (const host of this.#process.hosts) return host.coreModule('tls_socket') as TlsModule;
    throw new Error('no bridge is running');
  }

  pause(): void {
    this.#control?.pause();
  }

  resume(): void {
    this.#control?.resume();
  }

  end(): void {
    this.#control?.disconnect();
  }

  destroy(): void {
    this.#control?.disconnect();
  }

  setTimeout(): void {}

  setKeepAlive(): void {}
}
