import { uuidv7 } from 'uuidv7';
import { given } from '../accounts/account-input.ts';
import { auditEntry } from '../accounts/audit-entries.ts';
import type { Clock } from '../domain/clock.ts';
import { SluiceError } from '../domain/errors.ts';
import { parseNetwork } from '../domain/ip-network.ts';
import type { AuditEntry, AuditOrigin } from '../storage/ports/audit-log.ts';
import type { Blacklist, BlacklistEntry } from '../storage/ports/blacklist.ts';
import { type Bus, wholeBlacklist } from '../storage/ports/bus.ts';
import type { EntryChange, NewEntry } from './blacklist-schemas.ts';
import { type ImportOptions, type ImportReport, importPlan } from './import-plan.ts';
import type { ListLine } from './list-lines.ts';
import { type ProtectedNetwork, ProtectedNetworks } from './protected-networks.ts';

export interface BlacklistServiceOptions {
  readonly blacklist: Blacklist;
  readonly bus: Bus;
  readonly clock: Clock;
  /** Asked at each change: the settings of plugins and the addresses of a machine come and go. */
  readonly protectedNetworks: () => readonly ProtectedNetwork[];
  /** Awaited after every change: resolves when this process itself refuses by it. */
  readonly indexCurrent?: () => Promise<void>;
}

/** Another entry whose network holds, or lies in, the one that was written; the narrowest in force counts. */
export interface Overlap {
  readonly id: string;
  readonly network: string;
  readonly is: 'wider' | 'narrower';
}

/** An entry as it was written, and what it overlaps: a few of each kind. */
export interface WrittenEntry {
  readonly entry: BlacklistEntry;
  readonly overlaps: readonly Overlap[];
}

/** Who asks for a change, and of which version it is meant. */
export interface EntryRequest {
  readonly by?: AuditOrigin;
  readonly ifUpdatedAt?: number;
}

const mostOverlaps = 10;
/** Changes of the same entry that may come in between before one gives up. */
const mostTries = 10;

/** An entry as the audit log shows it. */
const values = ({ network, reason, source, expiresAt }: BlacklistEntry) => ({
  network,
  reason,
  source,
  expires_at: expiresAt === null ? null : new Date(expiresAt).toISOString(),
});

/** The blacklist as people change it: every change is checked, stored with its audit entry and told on the bus. */
export class BlacklistService {
  readonly #options: BlacklistServiceOptions;

  constructor(options: BlacklistServiceOptions) {
    this.#options = options;
  }

  /** Throws `REQUEST_INVALID` (protected networks, ends that are past), or `CONFLICT` for a network that is listed already. */
  async create({ network, reason, expires_at: expiresAt }: NewEntry, by?: AuditOrigin): Promise<WrittenEntry> {
    this.#check({ network, expiresAt });
    const now = this.#options.clock.now();
    const source = 'manual' as const;
    const entry = { id: uuidv7(), network, reason, source, createdAt: now, updatedAt: now, expiresAt };
    const standing = await this.#options.blacklist.insert(entry, this.#audit('blacklist.create', by, null, entry));
    if (standing !== null) {
      const until = standing.expiresAt === null ? '' : ` until ${new Date(standing.expiresAt).toISOString()}`;
      const text = `${network} is listed already${until}, for "${standing.reason}": change that entry, ${standing.id}`;
      throw new SluiceError('CONFLICT', text);
    }
    await this.#tell(entry.id);
    return { entry, overlaps: await this.#overlaps(entry) };
  }

  /** Throws what `create` throws, and `NOT_FOUND` or `PRECONDITION_FAILED`. */
  async change(id: string, input: EntryChange, request: EntryRequest = {}): Promise<WrittenEntry> {
    const { network, reason, expires_at: expiresAt } = input;
    const change = given({ network, reason, expiresAt });
    this.#check(change);
    await this.#conditionally(id, request, async (before, ifUpdatedAt) => {
      const updatedAt = this.#options.clock.now();
      const audit = this.#audit('blacklist.change', request.by, before, { ...before, ...change });
      const outcome = await this.#options.blacklist.update(id, { ...change, updatedAt }, { audit, ifUpdatedAt });
      if (outcome === 'taken') {
        throw new SluiceError('CONFLICT', `${network} is listed already, by another entry; change or delete that one`);
      }
    });
    await this.#tell(id);
    const entry = await this.#existing(id);
    return { entry, overlaps: await this.#overlaps(entry) };
  }

  /** Throws `NOT_FOUND`. */
  async remove(id: string, by?: AuditOrigin): Promise<void> {
    await this.#conditionally(id, {}, async (before, ifUpdatedAt) => {
      const audit = this.#audit('blacklist.delete', by, before, null);
      await this.#options.blacklist.remove(id, { audit, ifUpdatedAt });
    });
    await this.#tell(id);
  }

  /**
   * Puts a list on the blacklist. Every line is checked before anything is written; bad ones refuse the whole with
   * `REQUEST_INVALID` unless they are to be skipped. The same list again changes nothing.
   */
  async import(lines: AsyncIterable<ListLine>, options: ImportOptions, by?: AuditOrigin): Promise<ImportReport> {
    const { blacklist, clock, protectedNetworks } = this.#options;
    const refusals = new ProtectedNetworks(protectedNetworks());
    const { report, batches } = await importPlan(lines, options, { blacklist, refusals, now: clock.now() });
    if (options.dryRun || batches.length === 0) return report;
    const { added, updated, unchanged, invalid } = report;
    const audit = auditEntry({
      by,
      at: clock.now(),
      action: 'blacklist.import',
      subject: { kind: 'blacklist', id: wholeBlacklist },
      before: null,
      after: { added, updated, unchanged, invalid, first: batches[0]?.slice(0, 100).map(({ network }) => network) },
    });
    for (const [n, batch] of batches.entries()) await blacklist.putAll(batch, n === 0 ? audit : undefined);
    await this.#tell(wholeBlacklist);
    return report;
  }

  #check({ network, expiresAt }: { readonly network?: string; readonly expiresAt?: number | null }): void {
    const problems: { path: string; message: string }[] = [];
    const parsed = network === undefined ? null : parseNetwork(network);
    if (parsed !== null) {
      const refusal = new ProtectedNetworks(this.#options.protectedNetworks()).refusal(parsed);
      if (refusal !== null) problems.push({ path: 'body.network', message: `${refusal}; it cannot be blocked` });
    }
    if (typeof expiresAt === 'number' && expiresAt <= this.#options.clock.now()) {
      problems.push({ path: 'body.expires_at', message: 'expected a time to come, or null for ever' });
    }
    if (problems.length === 0) return;
    const text = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
    throw new SluiceError('REQUEST_INVALID', text, { problems });
  }

  /**
   * Every write is of the version that was read, so that the audit entry says what really was there before; who asked
   * for no version gets the newest one.
   */
  async #conditionally(
    id: string,
    { ifUpdatedAt }: EntryRequest,
    write: (before: BlacklistEntry, ifUpdatedAt: number) => Promise<void>,
  ): Promise<void> {
    for (let attempt = 1; ; attempt += 1) {
      const before = await this.#existing(id);
      try {
        await write(before, ifUpdatedAt ?? before.updatedAt);
        return;
      } catch (error) {
        const stale = error instanceof SluiceError && error.code === 'PRECONDITION_FAILED';
        if (!stale || ifUpdatedAt !== undefined || attempt === mostTries) throw error;
      }
    }
  }

  async #existing(id: string): Promise<BlacklistEntry> {
    const entry = await this.#options.blacklist.get(id);
    if (entry === null) throw new SluiceError('NOT_FOUND', 'there is no such blacklist entry; it may have ended');
    return entry;
  }

  async #overlaps({ id, network }: BlacklistEntry): Promise<Overlap[]> {
    const { blacklist, clock } = this.#options;
    const inForceAt = clock.now();
    const limit = mostOverlaps + 1;
    const [wider, narrower] = await Promise.all([
      blacklist.list({ holding: network, inForceAt }, { limit }),
      blacklist.list({ within: network, inForceAt }, { limit }),
    ]);
    const shown = (entries: readonly BlacklistEntry[], is: Overlap['is']) =>
      entries
        .filter((other) => other.id !== id)
        .slice(0, mostOverlaps)
        .map((other) => ({ id: other.id, network: other.network, is }));
    return [...shown(wider.items, 'wider'), ...shown(narrower.items, 'narrower')];
  }

  #audit(
    action: string,
    by: AuditOrigin | undefined,
    before: BlacklistEntry | null,
    after: BlacklistEntry | null,
  ): AuditEntry {
    const id = (after ?? before)?.id ?? '';
    return auditEntry({
      by,
      at: this.#options.clock.now(),
      action,
      subject: { kind: 'blacklist-entry', id },
      before: before === null ? null : values(before),
      after: after === null ? null : values(after),
    });
  }

  async #tell(id: string): Promise<void> {
    this.#options.bus.publish({ kind: 'blacklist', id });
    await this.#options.indexCurrent?.();
  }
}
