import { cpus, release, totalmem } from 'node:os';

/** The machine of a report in a few words. */
export function machineName(): string {
  const [first] = cpus();
  const memory = (totalmem() / 2 ** 30).toFixed(0);
  return `${cpus().length} × ${first?.model ?? 'unknown processor'}, ${memory} GB, Linux ${release()}, Node ${process.version}`;
}
