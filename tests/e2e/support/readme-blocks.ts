import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { repository } from '../../support/process.ts';

export interface CodeBlock {
  readonly language: string;
  readonly text: string;
}

/** The fenced blocks of a section of the README, so that what it promises is what the test types. */
export function readmeBlocks(heading: string): CodeBlock[] {
  const readme = readFileSync(join(repository, 'README.md'), 'utf8');
  const start = readme.indexOf(`\n## ${heading}\n`);
  if (start < 0) throw new Error(`README.md has no section ${heading}`);
  const end = readme.indexOf('\n## ', start + 4);
  const section = readme.slice(start, end < 0 ? undefined : end);
  return [...section.matchAll(/^```(\w+)\n([\s\S]*?)^```$/gm)].map(([, language = '', text = '']) => ({
    language,
    text,
  }));
}

/** The commands of a shell block, continued lines joined, in order. */
export function commands(block: CodeBlock): string[] {
  return block.text
    .replaceAll(/\\\n\s*/g, '')
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('#'));
}
