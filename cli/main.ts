import { runCommandLine } from './program.ts';

// A terminal that was closed, or `| head`, must not end a relay at its next line.
for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});

process.exitCode = await runCommandLine(process.argv.slice(2), {
  env: process.env,
  cwd: process.cwd(),
  stdin: process.stdin,
  stdout: process.stdout,
  stderr: process.stderr,
});

// After `start` all is closed and said. Left to end by itself, Node gives signals their default effect back while it
// takes itself down, and a second SIGTERM would make an orderly end look like a kill; `exit` keeps them caught.
if (process.listenerCount('SIGTERM') > 0) process.exit();
