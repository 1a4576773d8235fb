import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { text as readAll } from 'node:stream/consumers';
import { Option } from 'commander';
import { exportBlacklist, importBlacklist } from '../admin-api/routes/blacklist-lists.ts';
import { SluiceError } from '../core/domain/errors.ts';
import type { CommandContext } from './command-context.ts';
import { counted } from './text.ts';

export interface EndOptions {
  readonly reason?: string;
  /** Milliseconds. */
  readonly for?: number;
}

/** The fields of the API that the options stand for; what was not given is left out. */
export const endFields = ({ reason, for: lasting }: EndOptions) => ({
  ...(reason === undefined ? {} : { reason }),
  ...(lasting === undefined ? {} : { expires_at: new Date(Date.now() + lasting).toISOString() }),
});

type Format = 'csv' | 'plain';

interface ImportOptions extends EndOptions {
  readonly format?: Format;
  readonly dryRun?: true;
  readonly skipInvalid?: true;
}

async function readList({ surroundings }: CommandContext, file: string): Promise<string> {
  if (file === '-') return readAll(surroundings.stdin);
  try {
    return await readFile(resolve(surroundings.cwd, file), 'utf8');
  } catch (cause) {
    throw new SluiceError(
      'REQUEST_INVALID',
      `${file} cannot be read: ${cause instanceof Error ? cause.message : cause}`,
    );
  }
}

/** `file` is relative to where the command is run; `-` is standard input. */
export async function importList(context: CommandContext, file: string, options: ImportOptions): Promise<void> {
  const { output } = context;
  const text = await readList(context, file);
  const format = options.format ?? (file.toLowerCase().endsWith('.csv') ? 'csv' : 'plain');
  const client = await context.connect('existing');
  const report = await client.call(importBlacklist, {
    query: {
      ...endFields(options),
      ...(options.dryRun === true ? { dry_run: 'true' } : {}),
      ...(options.skipInvalid === true ? { skip_invalid: 'true' } : {}),
    },
    body: { mediaType: format === 'csv' ? 'text/csv' : 'text/plain', text },
  });
  output.result(report, () => {
    const { added, updated, unchanged, repeated, invalid } = report;
    const told = report.dry_run ? 'would be ' : '';
    output.line(
      `${counted(added, 'entry', 'entries')} ${told}added, ${updated} ${told}updated, ${unchanged} unchanged.`,
    );
    if (repeated > 0) output.line(`${counted(repeated, 'line')} said what a line before had said.`);
    if (invalid > 0) output.line(`${counted(invalid, 'bad line')} passed over:`);
    for (const { line, message } of report.problems) output.line(`  line ${line}: ${message}`);
  });
}

export async function exportList(context: CommandContext, { format }: { format: Format }): Promise<void> {
  const client = await context.connect('existing');
  const list = (await client.call(exportBlacklist, { query: { format } })) ?? '';
  context.surroundings.stdout.write(list);
}

export const formatOption = () => new Option('--format <format>', 'how the list is written').choices(['csv', 'plain']);
