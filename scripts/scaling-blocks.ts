import { measuredCosts } from '../benches/fleet/costs.ts';
import { defaultAssumptions } from '../benches/fleet/fleet.ts';
import { costsTable, judge, sweep, table } from '../benches/fleet/report.ts';
import { scatteredCommands } from '../core/storage/mongodb/scattered-commands.ts';
import { shardKeys } from '../core/storage/mongodb/shard-keys.ts';

const code = (text: string): string => `\`${text}\``;

/** Collections that share an answer stand in one line. */
function shardKeyTable(): string {
  const lines = new Map<string, string[]>();
  for (const [name, { key, why }] of Object.entries(shardKeys)) {
    const text = key === null ? '–' : code(JSON.stringify(key).replaceAll('"', ''));
    const line = `${text} | ${why}`;
    lines.set(line, [...(lines.get(line) ?? []), code(name)]);
  }
  return table(
    ['collection', 'shard key', 'why'],
    [...lines].map(([line, names]) => [names.join(', '), ...line.split(' | ')]),
  )
    .replace('---:', '---')
    .replace('---:', '---');
}

function scatteredTable(): string {
  const lines = new Map<string, string[]>();
  for (const { collection, command, fields, more, what, when } of scatteredCommands) {
    const line = [`${command} by ${fields.map(code).join(', ')}${more === true ? ' …' : ''}`, what, when].join(' | ');
    lines.set(line, [...(lines.get(line) ?? []), code(collection)]);
  }
  const rows = [...lines].map(([line, names]) => [names.join(', '), ...line.split(' | ')]);
  return table(['collection', 'command', 'what', 'when'], rows).replaceAll('---:', '---');
}

/** What of docs/scaling.md is made from code and measured costs, by the name of its place. */
export function scalingBlocks(): Map<string, string> {
  const costs = measuredCosts();
  const workload = { mailsPerDay: 1e8, peak: 3, recipients: 1, size: 5_000 };
  const one = { costs, workload, assumptions: defaultAssumptions, messages: 20_000, seed: 1 };
  const hundred = judge(one);
  const bytes = (octets: number): string => `${(octets / 1e12).toFixed(1)} TB`;
  const { measuredOn, machine, loadAverage, versions, how } = costs;
  const kept = hundred.cost.kept * workload.mailsPerDay;
  return new Map([
    [
      'costs',
      `${measuredOn}; ${machine}, load average ${loadAverage}; Redis ${versions.redis}, ${versions.mongodb} in MongoDB's place; ${how}.\n\n${costsTable(costs)}`,
    ],
    ['shard keys', shardKeyTable()],
    ['scattered', scatteredTable()],
    ['fleets', sweep([1e6, 1e7, 1e8], one)],
    ['hundred million', hundred.text],
    [
      'storage',
      `- The log: ${(hundred.cost.kept / 1_000).toFixed(1)} KB a message as inserted, so ${bytes(kept)} a day and ` +
        `${bytes(kept * 30)} for 30 days (\`retention.log\`), before compression and without indexes and replicas.\n` +
        `- Bodies live from the dot to the last outcome: ${bytes(workload.mailsPerDay * workload.size)} pass through a day, ` +
        `and an upstream that is away for an hour at the peak leaves ` +
        `${bytes((workload.mailsPerDay / 24) * workload.peak * workload.size)} of them.`,
    ],
  ]);
}

/** Puts each block between `<!-- made: NAME -->` and `<!-- end -->`. Throws where a place for one is missing. */
export function withBlocks(text: string, blocks: ReadonlyMap<string, string>): string {
  let made = text;
  for (const [name, block] of blocks) {
    const begin = `<!-- made: ${name} -->`;
    const from = made.indexOf(begin);
    const to = made.indexOf('<!-- end -->', from);
    if (from < 0 || to < 0) throw new Error(`there is no place for ${name}`);
    made = `${made.slice(0, from)}${begin}\n${block}\n${made.slice(to)}`;
  }
  return made;
}
