export const hourMilliseconds = 3_600_000;
export const dayMilliseconds = 86_400_000;

/** Start of the UTC hour. */
export const hourOf = (at: number): number => Math.floor(at / hourMilliseconds) * hourMilliseconds;
