import 'restify';

declare module 'restify' {
  interface Server {
    /** Runs before anything of restify's; `false` means that the response was already dealt with. */
    first(...handlers: ((request: Request, response: Response) => boolean)[]): Server;
  }
}
