// Asks the process in this container how it is: ends with 0 if it can work. For the health check of the image, whose
// base has neither curl nor wget.
const port = process.env.SLUICE_OBSERVABILITY__PORT ?? '9464';
try {
  const answer = await fetch(`http://127.0.0.1:${port}/health/ready`, { signal: AbortSignal.timeout(4_000) });
  if (!answer.ok) process.exitCode = 1;
} catch {
  process.exitCode = 1;
}
