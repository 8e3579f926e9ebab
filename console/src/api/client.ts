// The API, typed by its OpenAPI document, called with the session's cookie.
import createClient, { type Middleware } from 'openapi-fetch';
import { ApiError, errorOf } from './errors';
import type { components, paths } from './schema';

/** The documents that requests and answers bring. */
export type Schemas = components['schemas'];

/** The region of which everything is shown. Empty: the first that the server has. */
let region = '';

/** Chooses the region of the calls to come. */
export function setRegion(name: string): void {
  region = name;
}

/** The headers that tell the server for which region a call is. */
export function regionHeaders(): Record<string, string> {
  return region ? { 'x-brokerd-region': region } : {};
}

/** Called when the server says that there is no session (any more). */
let onSignedOut: () => void = () => {};

/** Registers what is done when a session has ended. */
export function whenSignedOut(what: () => void): void {
  onSignedOut = what;
}

/** Throws the server's error for an answer that is none of success. */
export async function checked(response: Response): Promise<Response> {
  if (response.ok) return response;
  const error = await errorOf(response);
  if (response.status === 401) onSignedOut();
  throw error;
}

const session: Middleware = {
  onRequest({ request }) {
    for (const [name, value] of Object.entries(regionHeaders())) request.headers.set(name, value);
    return request;
  },
  async onResponse({ response }) {
    await checked(response);
    return undefined;
  },
  onError({ error }) {
    return error instanceof ApiError ? error : ApiError.unreachable(error);
  },
};

/** The operations under `/v1` and `/brokerd/v1`. A refused call throws an `ApiError`. */
export const api = createClient<paths>({ baseUrl: '', credentials: 'same-origin' });
api.use(session);

/** The answer of a call of `api`. */
export async function answer<T>(call: Promise<{ data?: T }>): Promise<T> {
  const { data } = await call;
  return data as T;
}

/** Calls a path that is not in the document, with and for JSON. */
export async function json<T>(method: string, path: string, body?: unknown, signal?: AbortSignal): Promise<T> {
  const headers: Record<string, string> = regionHeaders();
  if (body !== undefined) headers['content-type'] = 'application/json';
  let response: Response;
  try {
    response = await fetch(path, {
      method,
      headers,
      credentials: 'same-origin',
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal ?? null,
    });
  } catch (error) {
    throw ApiError.unreachable(error);
  }
  const text = await (await checked(response)).text();
  return (text ? JSON.parse(text) : undefined) as T;
}
