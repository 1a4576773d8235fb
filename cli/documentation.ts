import type { Command } from 'commander';
import { catalogue } from '../core/domain/errors.ts';
import { createProgram } from './program.ts';

const inCell = (text: string): string => text.replaceAll('|', '\\|');

function optionRows(command: Command): string[] {
  const shown = command.options.filter(({ long }) => long !== '--version');
  if (shown.length === 0) return [];
  return [
    '',
    '| option | meaning |',
    '|---|---|',
    ...shown.map(({ flags, description, mandatory, defaultValue, argChoices }) => {
      const choices = argChoices === undefined ? '' : `; ${argChoices.join(', ')}`;
      const initial =
        defaultValue === undefined || typeof defaultValue === 'boolean' ? '' : ` (default: ${defaultValue})`;
      return `| \`${inCell(flags)}\` | ${inCell(description)}${choices}${mandatory ? '; required' : ''}${initial} |`;
    }),
  ];
}

function pages(command: Command, parents: readonly string[]): string[] {
  const words = [...parents, command.name()];
  const inner = command.commands.flatMap((one) => pages(one, words));
  // A command that does nothing itself only holds others together.
  if (inner.length > 0 && command.options.length === 0) return inner;
  const values = command.registeredArguments.map((argument) => {
    const text = `${argument.name()}${argument.variadic ? '...' : ''}`;
    return argument.required ? `<${text}>` : `[${text}]`;
  });
  const choices = command.registeredArguments.flatMap((argument) =>
    argument.argChoices === undefined ? [] : [`\n\`${argument.name()}\`: ${argument.argChoices.join(', ')}.`],
  );
  return [
    [`## ${[...words, ...values].join(' ')}`, '', `${command.description()}.`, ...choices, ...optionRows(command)].join(
      '\n',
    ),
    ...inner,
  ];
}

const exitTable = (): string => {
  const byExit = new Map<number, string[]>();
  for (const [code, { exit }] of Object.entries(catalogue)) byExit.set(exit, [...(byExit.get(exit) ?? []), code]);
  const rows = [...byExit]
    .sort(([a], [b]) => a - b)
    .map(([exit, codes]) => `| ${exit} | ${codes.map((code) => `\`${code}\``).join(', ')} |`);
  return ['| exit code | errors |', '|---|---|', '| 0 | none: done |', ...rows].join('\n');
};

/** docs/cli.md, made from the commands themselves. */
export function commandLineDocument(): string {
  const { stdin, stdout, stderr } = process;
  const program = createProgram({ env: {}, cwd: '/', stdin, stdout, stderr });
  return `${[
    '# The command line',
    'Made from the commands by `npm run generate`; do not edit. Inside the folder of Sluice type `npx sluice …`.',
    'The commands ask the running Sluice: through `control.sock` in its data folder, as administrator, or at `--url` with a ' +
      'token. `check` and `plugins` need none, and the first user can be added while none runs.',
    ['## Options of every command', ...optionRows(program)].join('\n'),
    ...program.commands.flatMap((command) => pages(command, ['sluice'])),
    '## Exit codes',
    'Those of sysexits.h, by kind of error; 64 also where the command line itself is wrong, and 1 where a check found something. With `--json` the error is on standard error as ' +
      '`{"error":{"code","title","message","problems"}}`.',
    exitTable(),
  ].join('\n\n')}\n`;
}
