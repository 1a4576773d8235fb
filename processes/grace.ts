/** In-flight work may take so long after SIGTERM; closing the rest fits into what is left of the 30 s. Milliseconds. */
export const graceMilliseconds = 20_000;
