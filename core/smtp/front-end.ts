import type { AddressInfo } from 'node:net';
import { RefusalMeter, type RefusalNumbers } from '../observability/refusal-meter.ts';
import type { Certificate } from '../tls/certificate-files.ts';
import { loadCertificate } from './certificate.ts';
import { ConnectionCounts } from './connection-counts.ts';
import { Listener } from './listener.ts';
import type { FrontEndParts, Shared } from './shared.ts';

/** The SMTP side of a process: all listeners of the configuration. */
export interface SmtpFrontEnd {
  /** Listens on all or none; answers the real address of each listener by its name. Throws `LISTEN_FAILED`, `TLS_INVALID`. */
  listen(): Promise<Readonly<Record<string, AddressInfo>>>;
  /**
   * Takes no new work: idle sessions get 421 now, messages on their way may end within the grace. Resolves when every
   * connection is gone.
   */
  close(graceMilliseconds: number): Promise<void>;
  /** Reads certificate and key again, for handshakes from now on. Throws `TLS_INVALID`; the old ones stay then. */
  reloadCertificate(): Promise<void>;
  /** Open connections. */
  connections(): number;
  /** What core itself refused since the start. */
  refusals(): readonly RefusalNumbers[];
}

export function createSmtpFrontEnd(parts: FrontEndParts): SmtpFrontEnd {
  const { config, hostname } = parts;
  const shared: Shared = {
    ...parts,
    counts: parts.counts ?? new ConnectionCounts(config.smtp.limits),
    refusals: new RefusalMeter(),
    closing: false,
  };
  let listeners: readonly Listener[] = [];
  const certificate = (): Promise<Certificate> =>
    loadCertificate({ ...config.smtp.tls, dataDirectory: config.data_dir, hostname });
  const close = async (graceMilliseconds: number): Promise<void> => {
    shared.closing = true;
    await Promise.all(listeners.map((listener) => listener.stop(graceMilliseconds)));
  };
  return {
    async listen() {
      const enabled = config.smtp.listeners.filter((listener) => listener.enabled);
      const pair = await certificate();
      listeners = enabled.map((listener) => new Listener(listener, shared, pair));
      const addresses: Record<string, AddressInfo> = {};
      try {
        for (const listener of listeners) addresses[listener.policy.config.name] = await listener.start();
      } catch (error) {
        await close(0);
        throw error;
      }
      return addresses;
    },
    close,
    async reloadCertificate() {
      const pair = await certificate();
      for (const listener of listeners) listener.useCertificate(pair);
    },
    connections: () => shared.counts.total,
    refusals: () => shared.refusals.numbers(),
  };
}
