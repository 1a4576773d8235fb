/** A name for a service that remembers its type. Made with `token('…')`; equal across copies of this package. */
export type Token<T> = symbol & { readonly __type?: T };
export const token = <T>(name: string): Token<T> => Symbol.for(`sluice:${name}`) as Token<T>;

export type Needs = Readonly<Record<string, Token<unknown>>>;
export type ServicesOf<N extends Needs> = { readonly [K in keyof N]: N[K] extends Token<infer T> ? T : never };
