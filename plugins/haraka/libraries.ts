import type { Address as EnvelopeAddress } from '@haraka/email-address';
import type { HarakaFiles } from 'haraka-config';
import type constants from 'haraka-constants';
import type modules from 'haraka-email-message';
import type network from 'haraka-net-utils';
import type Notes from 'haraka-notes';
import type ResultStore from 'haraka-results';
import type utilities from 'haraka-utils';
import type { Logger } from '../../core/observability/log.ts';
import { packagesPrintTo } from './host/console-noise.ts';

/** Haraka's small libraries: what plugins are handed is made of these, so that bytes and words are Haraka's. */
export interface Libraries {
  readonly constants: typeof constants;
  readonly files: HarakaFiles;
  readonly Notes: typeof Notes;
  readonly ResultStore: typeof ResultStore;
  readonly utilities: typeof utilities;
  readonly network: typeof network;
  readonly message: typeof modules;
  readonly Address: typeof EnvelopeAddress;
}

/**
 * Loads them, not before the first bridge starts. Those that read files on their own account (results.ini, the host name
 * in `me`) look into `HARAKA` when they are loaded: the folder of the first bridge, unless the environment names another.
 */
export async function loadLibraries(home: string, log: Logger): Promise<Libraries> {
  process.env.HARAKA ??= home;
  packagesPrintTo(log);
  const [constants, files, notes, results, utilities, network, message, address] = await Promise.all([
    import('haraka-constants'),
    import('haraka-config'),
    import('haraka-notes'),
    import('haraka-results'),
    import('haraka-utils'),
    import('haraka-net-utils'),
    import('haraka-email-message'),
    import('@haraka/email-address'),
  ]);
  return {
    constants: constants.default,
    files: files.default,
    Notes: notes.default,
    ResultStore: results.default,
    utilities: utilities.default,
    network: network.default,
    message: message.default,
    Address: address.Address,
  };
}
