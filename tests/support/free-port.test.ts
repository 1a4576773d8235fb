import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { freePorts } from './free-port.ts';

test('ports that several processes choose at once are all different, and none that the kernel gives away', async () => {
  const program = `
    const { freePorts } = await import(${JSON.stringify(join(import.meta.dirname, 'free-port.ts'))});
    process.stdout.write(JSON.stringify(await freePorts(150)));
    process.stdin.resume();
  `;
  const choosing = Array.from({ length: 4 }, () => promisify(execFile)(process.execPath, ['--eval', program]));
  const own = freePorts(150);
  // Each lives until all have chosen: what is chosen is held by whoever is alive.
  const everybody = Promise.all(
    choosing.map(({ child }) => new Promise<string>((resolve) => child.stdout?.once('data', resolve))),
  );
  const chosen = [...(await own), ...(await everybody).flatMap((text): number[] => JSON.parse(text))];
  for (const { child } of choosing) child.stdin?.end();
  await Promise.all(choosing);
  expect(new Set(chosen).size).toBe(5 * 150);
  const ephemeral = Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10);
  expect(Math.max(...chosen)).toBeLessThan(ephemeral);
});
