/** The first of `phrases` that the subject holds, compared without case; undefined when it holds none. */
export function heldPhrase(subject: string, phrases: readonly string[]): string | undefined {
  const text = subject.toLowerCase();
  return phrases.find((phrase) => text.includes(phrase.toLowerCase()));
}
