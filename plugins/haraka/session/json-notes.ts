/**
 * What of a transaction's notes can travel with the mail: JSON. Functions, sockets and whatever points back at itself
 * stay behind.
 */
export function jsonNotes(notes: object): Record<string, unknown> {
  const kept: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(notes)) {
    try {
      const text = JSON.stringify(value);
      if (text !== undefined) kept[key] = JSON.parse(text);
    } catch {
      // It points back at itself, or cannot say what it is.
    }
  }
  return kept;
}
