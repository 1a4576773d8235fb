import { EventEmitter } from 'node:events';
import type { TLSSocketOptions } from 'node:tls';
import type { SessionControl } from '../../../core/pipeline/session-control.ts';
import type { HarakaProcess } from '../host/haraka-process.ts';

type Upgraded = (authorized: boolean, error: unknown, certificate: unknown, cipher: unknown) => void;

/** What Haraka's `tls_socket` offers here: the certificates of `tls.ini`. */
interface TlsModule {
  readonly certsByHost: Readonly<Record<string, TLSSocketOptions | undefined>>;
  getSocketOpts(name: string): Promise<TLSSocketOptions>;
}

const ready = new WeakMap<TlsModule, Promise<unknown>>();

/** Key, certificates and callbacks as Haraka has them now. Its folder of certificates is read once, as at its start. */
async function handshakeOptions(module: TlsModule): Promise<TLSSocketOptions> {
  let read = ready.get(module);
  if (read === undefined) {
    read = module.getSocketOpts('*');
    ready.set(module, read);
  }
  await read;
  return module.certsByHost['*'] ?? {};
}

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
      const options = await handshakeOptions(this.#tlsModule());
      const secured = await this.#control?.upgrade(options);
      if (secured === undefined) return;
      const { authorized, authorizationError, peerCertificate, cipher } = secured;
      this.emit('secure');
      done?.(authorized, authorizationError, peerCertificate, { ...cipher, version: cipher.protocol });
    } catch (error) {
      this.#process.log.write('NOTICE', ['a TLS handshake failed: ', error]);
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
