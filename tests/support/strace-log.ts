/** One system call as strace saw it. Line numbers order what several threads do: strace writes one line after the other. */
export interface SystemCall {
  readonly name: string;
  /** What the first argument, a descriptor, stands for: a path, or `socket:[…]`. */
  readonly target: string;
  /** All octets it was given, buffers of a `writev` in a row; cut off at strace's `-s`. */
  readonly octets: Buffer;
  /** Line on which it was entered, and that on which it had returned. */
  readonly entered: number;
  readonly returned: number;
  readonly succeeded: boolean;
}

/** What strace has to be told, before the command, for `readStrace` to understand it. `file` takes the log. */
export const straceArguments = (file: string, calls: readonly string[]): string[] => [
  // As a grandchild (-D), so that signals sent to the command reach the command.
  ...['strace', '-D', '-f', '-q', '-y', '-xx', '-s', '4200', '-e', 'signal=none'],
  ...['-e', `trace=${calls.join(',')}`, '-o', file],
];

const text = /"((?:\\x[0-9a-f]{2})*)"/g;
const octetsIn = (args: string): Buffer =>
  Buffer.from([...args.matchAll(text)].map(([, hex = '']) => hex.replaceAll('\\x', '')).join(''), 'hex');

/** Paths are in hexadecimal as well (-xx). */
const targetIn = (args: string): string =>
  (/^\d+<((?:[^<>]|<[^>]*>)*)>/.exec(args)?.[1] ?? '').replace(/\\x([0-9a-f]{2})/g, (_, hex: string) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );

/** Reads a log of `strace -f`; calls that never returned are left out. */
export const readStrace = (log: string): SystemCall[] => {
  const calls: SystemCall[] = [];
  const open = new Map<string, Omit<SystemCall, 'returned' | 'succeeded'>>();
  const finish = (call: Omit<SystemCall, 'returned' | 'succeeded'>, returned: number, result: string) =>
    calls.push({ ...call, returned, succeeded: !result.startsWith('-') });
  log.split('\n').forEach((line, number) => {
    const [, thread = '', rest = ''] = /^(\d+) +(.*)$/.exec(line) ?? [];
    const result = /\) += (.*)$/.exec(rest)?.[1];
    const entry = /^(\w+)\((.*)$/.exec(rest);
    if (entry !== null) {
      const [, name = '', args = ''] = entry;
      const call = { name, target: targetIn(args), octets: octetsIn(args), entered: number };
      if (result === undefined) open.set(thread, call);
      else finish(call, number, result);
      return;
    }
    const resumed = open.get(thread);
    if (resumed === undefined || result === undefined || !rest.startsWith('<... ')) return;
    open.delete(thread);
    finish(resumed, number, result);
  });
  return calls;
};
