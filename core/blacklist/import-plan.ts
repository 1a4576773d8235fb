import { uuidv7 } from 'uuidv7';
import { networkProblem } from '../accounts/account-schemas.ts';
import { SluiceError } from '../domain/errors.ts';
import { parseNetwork } from '../domain/ip-network.ts';
import { type Blacklist, type BlacklistEntry, blacklistBatch } from '../storage/ports/blacklist.ts';
import { endSchema, reasonSchema } from './blacklist-schemas.ts';
import type { ListLine } from './list-lines.ts';
import type { ProtectedNetworks } from './protected-networks.ts';

/** Most entries of one list. */
export const importLimit = 100_000;
/** Most bad lines that are told one by one. */
const toldProblems = 1_000;

export interface ImportOptions {
  /** Say what would be done; do nothing. */
  readonly dryRun: boolean;
  /** Pass over bad lines instead of refusing the whole list. */
  readonly skipInvalid: boolean;
  /** For lines that give none and are not listed yet. */
  readonly reason: string;
  /** For lines that give none and are not listed yet, milliseconds since the epoch; null: for ever. */
  readonly expiresAt: number | null;
}

export interface LineProblem {
  readonly line: number;
  readonly message: string;
}

/** Every line with an entry is counted once. */
export interface ImportReport {
  readonly added: number;
  /** Listed before, with another reason or end. */
  readonly updated: number;
  readonly unchanged: number;
  /** Said already by a line before. */
  readonly repeated: number;
  readonly invalid: number;
  /** The first of the bad lines. */
  readonly problems: readonly LineProblem[];
}

interface Surroundings {
  readonly blacklist: Pick<Blacklist, 'byNetworks'>;
  readonly refusals: ProtectedNetworks;
  readonly now: number;
}

interface Wanted {
  readonly line: number;
  readonly network: string;
  readonly reason?: string;
  readonly expiresAt?: number | null;
}

const sayTheSame = (a: Wanted, b: Wanted): boolean => a.reason === b.reason && a.expiresAt === b.expiresAt;

const lineReason = reasonSchema.optional();
const lineEnd = endSchema.nullable().optional();

/** The entry of a line, or what is wrong with it. */
function checked(line: ListLine, { refusals, now }: Surroundings): Wanted | string {
  if (line.problem !== undefined) return line.problem;
  const network = parseNetwork(line.network);
  if (network === null) return networkProblem(line.network);
  const refusal = refusals.refusal(network);
  if (refusal !== null) return `${refusal}; it cannot be blocked`;
  const reason = lineReason.safeParse(line.reason);
  if (!reason.success) return `reason: ${reason.error.issues[0]?.message}`;
  const end = lineEnd.safeParse(line.expiresAt);
  if (!end.success) return `expires_at: ${end.error.issues[0]?.message}`;
  if (typeof end.data === 'number' && end.data <= now)
    return 'expires_at: expected a time to come, or nothing for ever';
  return {
    line: line.line,
    network: network.text,
    ...(reason.data === undefined ? {} : { reason: reason.data }),
    ...(end.data === undefined ? {} : { expiresAt: end.data }),
  };
}

async function read(lines: AsyncIterable<ListLine>, surroundings: Surroundings) {
  const wanted = new Map<string, Wanted>();
  const problems: LineProblem[] = [];
  let invalid = 0;
  let repeated = 0;
  let read = 0;
  for await (const line of lines) {
    read += 1;
    if (read > importLimit) {
      throw new SluiceError('REQUEST_TOO_LARGE', `a list may have at most ${importLimit} entries; send it in parts`);
    }
    const entry = checked(line, surroundings);
    const before = typeof entry === 'string' ? undefined : wanted.get(entry.network);
    if (typeof entry !== 'string' && before === undefined) wanted.set(entry.network, entry);
    else if (typeof entry !== 'string' && before !== undefined && sayTheSame(entry, before)) repeated += 1;
    else {
      invalid += 1;
      const again = before === undefined ? '' : `${before.network} stands in line ${before.line} already, otherwise`;
      const message = typeof entry === 'string' ? entry : again;
      if (problems.length < toldProblems) problems.push({ line: line.line, message });
    }
  }
  return { wanted: [...wanted.values()], problems, invalid, repeated };
}

function refuse(problems: readonly LineProblem[], invalid: number): never {
  const [first] = problems;
  const rest = invalid === 1 ? '' : `, and ${invalid - 1} more`;
  const text = `nothing was imported: line ${first?.line}: ${first?.message}${rest}; correct them, or skip them by skip_invalid`;
  throw new SluiceError('REQUEST_INVALID', text, {
    problems: problems.map(({ line, message }) => ({ path: `body.line.${line}`, message })),
  });
}

/** The entry to be written for a line; null where what is listed says the same. */
function written(
  line: Wanted,
  standing: BlacklistEntry | undefined,
  options: ImportOptions,
  now: number,
): BlacklistEntry | null {
  if (standing === undefined || (standing.expiresAt !== null && standing.expiresAt <= now)) {
    const { network, reason = options.reason, expiresAt = options.expiresAt } = line;
    return { id: uuidv7(), network, reason, source: 'import', createdAt: now, updatedAt: now, expiresAt };
  }
  const { reason = standing.reason, expiresAt = standing.expiresAt } = line;
  if (reason === standing.reason && expiresAt === standing.expiresAt) return null;
  return { ...standing, reason, expiresAt, updatedAt: Math.max(now, standing.updatedAt + 1) };
}

/**
 * Checks a whole list and says what it comes to: what has to be written, in batches. Throws `REQUEST_INVALID` with the
 * bad lines unless they are to be skipped, `REQUEST_TOO_LARGE` for too many.
 */
export async function importPlan(lines: AsyncIterable<ListLine>, options: ImportOptions, surroundings: Surroundings) {
  const { wanted, problems, invalid, repeated } = await read(lines, surroundings);
  if (invalid > 0 && !options.skipInvalid) refuse(problems, invalid);
  const counts = { added: 0, updated: 0, unchanged: 0 };
  const batches: BlacklistEntry[][] = [];
  for (let from = 0; from < wanted.length; from += blacklistBatch) {
    const part = wanted.slice(from, from + blacklistBatch);
    const listed = await surroundings.blacklist.byNetworks(part.map(({ network }) => network));
    const standing = new Map(listed.map((entry) => [entry.network, entry]));
    const entries = part.map((line) => written(line, standing.get(line.network), options, surroundings.now));
    const changed = entries.filter((entry) => entry !== null);
    const added = changed.filter(({ id, network }) => standing.get(network)?.id !== id).length;
    counts.added += added;
    counts.updated += changed.length - added;
    counts.unchanged += part.length - changed.length;
    if (changed.length > 0) batches.push(changed);
  }
  const report: ImportReport = { ...counts, repeated, invalid, problems };
  return { report, batches };
}
