import 'reflect-metadata';
import { container, type DependencyContainer, instanceCachingFactory } from 'tsyringe';
import type { Token } from '../../core/pipeline/token.ts';

/**
 * A tsyringe container that keeps the types of its tokens. What needs awaiting is built first and registered as a
 * value, since tsyringe does not wait for factories; the rest is made when it is first asked for.
 */
export class TypedContainer {
  readonly #container: DependencyContainer = container.createChildContainer();

  value<T>(token: Token<T>, value: T): this {
    this.#container.register<T>(token, { useValue: value });
    return this;
  }

  /** `make` runs once, at the first `get`. */
  single<T>(token: Token<T>, make: (container: TypedContainer) => T): this {
    this.#container.register<T>(token, { useFactory: instanceCachingFactory(() => make(this)) });
    return this;
  }

  get<T>(token: Token<T>): T {
    return this.#container.resolve<T>(token);
  }

  has(token: Token<unknown>): boolean {
    return this.#container.isRegistered(token);
  }
}
