import { Writable } from 'node:stream';
import { WriteStream } from 'node:tty';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { SluiceError } from '../core/domain/errors.ts';
import { asSluiceError, Output, showProblem } from './output.ts';

class Written extends Writable {
  text = '';
  readonly isTTY: boolean;
  readonly columns = 40;
  /** As a real terminal answers: by TERM, CI, NO_COLOR and the like. */
  readonly getColorDepth = WriteStream.prototype.getColorDepth;

  constructor(isTTY: boolean) {
    super();
    this.isTTY = isTTY;
  }

  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString('utf8');
    done();
  }
}

beforeEach(() => {
  for (const name of ['CI', 'FORCE_COLOR', 'NO_COLOR', 'NODE_DISABLE_COLORS']) vi.stubEnv(name, undefined);
  vi.stubEnv('TERM', 'xterm-256color');
});
afterEach(() => vi.unstubAllEnvs());

const refused = new SluiceError('CONFIG_INVALID', 'One problem', {
  problems: [{ path: 'api.port', file: '/etc/sluice.yaml', line: 3, message: 'is wrong' }],
});
const coloured = '\u001b[';

describe('colour', () => {
  const painted = (terminal: boolean) => {
    const out = new Written(terminal);
    const err = new Written(terminal);
    const output = new Output(out, err, false);
    output.table([{ title: 'Id' }], [['1']]);
    output.failure(refused);
    return [out.text.includes(coloured), err.text.includes(coloured)];
  };

  test('on a terminal only', () => {
    expect(painted(true)).toEqual([true, true]);
    expect(painted(false)).toEqual([false, false]);
  });

  test('not where NO_COLOR is set', () => {
    vi.stubEnv('NO_COLOR', '1');
    expect(painted(true)).toEqual([false, false]);
  });
});

test('progress rewrites a line on a terminal, and is nothing elsewhere', () => {
  const [terminal, file] = [new Written(true), new Written(false)];
  new Output(terminal, terminal, false).progress('1 of 2');
  new Output(file, file, false).progress('1 of 2');
  new Output(terminal, terminal, true).progress('in JSON');
  expect([terminal.text, file.text]).toEqual(['\r\u001b[K1 of 2', '']);
});

test('scripts get JSON, people get words', () => {
  const [people, scripts] = [new Written(false), new Written(false)];
  for (const [stream, json] of [
    [people, false],
    [scripts, true],
  ] as const) {
    const output = new Output(stream, stream, json);
    output.note('by the way');
    output.result({ count: 1 }, () => output.line('one'));
  }
  expect(people.text).toBe('by the way\none\n');
  expect(JSON.parse(scripts.text)).toEqual({ count: 1 });
});

test('an error is told with every place and what to do', () => {
  const err = new Written(false);
  new Output(new Written(false), err, false).failure(refused);
  expect(err.text).toBe('The configuration is not valid: One problem\n  /etc/sluice.yaml:3: api.port is wrong\n');
});

test('a place is a file with its line, a variable, or nothing', () => {
  expect(showProblem({ path: 'a.b', message: 'is wrong', variable: 'SLUICE_A__B' })).toBe('SLUICE_A__B: a.b is wrong');
  expect(showProblem({ path: '', message: 'is wrong', file: 'x.yaml' })).toBe('x.yaml: is wrong');
  expect(showProblem({ path: 'body.name', message: 'is \u001b[31mwrong' })).toBe('body.name is ·[31mwrong');
});

test('what nobody foresaw is a fault of ours, with its stack', () => {
  const error = asSluiceError(new TypeError('boom'));
  expect([error.code, error.message]).toEqual([
    'INTERNAL',
    expect.stringMatching(/TypeError: boom[\s\S]*Please report/),
  ]);
  expect(asSluiceError(refused)).toBe(refused);
});
