import { Agent } from 'undici';

/** Statuses whose replies hold no body; `Response` refuses one for them. */
const BODILESS = new Set([204, 205, 304]);

/**
 * A `fetch` for JSON APIs with long silences, on one pool of connections.
 *
 * The built-in one gives up when a reply's headers take longer than five minutes, whatever the caller's timeout, and a
 * reasoning model's reply may take longer: it would be paid for and thrown away, again and again. This one waits as long as
 * `init.signal` does, which here covers the body too. It follows no redirects, so a key never travels to another host, and
 * spends half of the CPU time.
 */
export function createEndpointFetch(): typeof fetch {
  const agent = new Agent({ headersTimeout: 0, bodyTimeout: 0 });
  const send = async (input: string | URL | Request, init: RequestInit): Promise<Response> => {
    const body = init.body ?? null;
    if (body !== null && typeof body !== 'string') throw new TypeError('only text can be sent; this fetch is for JSON APIs');
    const { origin, pathname, search } = new URL(input instanceof Request ? input.url : input);
    const reply = await agent.request({
      origin,
      path: pathname + search,
      method: (init.method ?? 'GET') as 'GET' | 'POST',
      headers: Object.fromEntries(new Headers(init.headers)),
      body,
      signal: init.signal ?? null,
    });
    const text = await reply.body.text();
    const pairs = Object.entries(reply.headers).flatMap(([name, value]): [string, string][] =>
      value === undefined ? [] : [value].flat().map((each) => [name, each]),
    );
    return new Response(BODILESS.has(reply.statusCode) ? null : text, { status: reply.statusCode, headers: pairs });
  };
  return async (input, init = {}) => {
    try {
      return await send(input, init);
    } catch (cause) {
      // The signal's reason is a DOMException, which is no Error of this realm under every test runner.
      const { name, message } = cause as Error;
      throw Object.assign(new Error(message, { cause }), { name });
    }
  };
}
