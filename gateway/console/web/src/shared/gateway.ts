import { createGraphiQLFetcher, type Fetcher, type FetcherReturnType } from '@graphiql/toolkit';
import { createClient, type Client, type SubscribePayload } from 'graphql-ws';
import { named, operationNamed, parsed } from './documents';

export interface GatewayError {
  message: string;
  path?: (string | number)[];
  extensions?: { code?: string; right?: string };
}

export interface Answer<T> {
  data?: T | null;
  errors?: GatewayError[];
  extensions?: unknown;
}

const address = document.querySelector<HTMLMetaElement>('meta[name=graphql-endpoint]')!.content;
export const endpoint = new URL(address, document.baseURI).href;
export const KEY = 'x-api-key';

/** The client's key, for this tab and until it is closed. */
export const key = {
  get: () => sessionStorage.getItem(KEY),
  set: (value: string) => sessionStorage.setItem(KEY, value),
  forget: () => sessionStorage.removeItem(KEY),
};

function identity(): Record<string, string> {
  const value = key.get();
  return value ? { [KEY]: value } : {};
}

/** A problem in words. Without a stack: GraphiQL shows all that an error has, and this code's own lines help nobody. */
function problem(message: string): Error {
  const error = new Error(message);
  error.stack = undefined;
  return error;
}

const unreachable = () => problem('The gateway could not be reached.');
const foreign = (status: number) => problem(`What answered was not the gateway (status ${status}).`);

export const said = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** As `fetch`, for answers of the gateway alone. Rejects with a problem in words. */
async function reached(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const request = attempted(() => new Request(input, init));
  const response = await fetch(request).catch((error: unknown) => {
    throw request.signal.aborted ? error : unreachable();
  });
  if (!/json|multipart/.test(response.headers.get('content-type') ?? '')) throw foreign(response.status);
  return response;
}

/** What no request can say, such as a header with a blank in its name, is told by the browser. */
function attempted(make: () => Request): Request {
  try {
    return make();
  } catch (error) {
    throw problem(said(error));
  }
}

/** The data of an answer. Throws the first error where there is nothing else. */
export function data<T>({ data: found, errors }: Answer<T>): T {
  if (!found) throw new Error(errors?.[0]?.message ?? 'No answer came.');
  return found;
}

interface Options {
  signal?: AbortSignal;
  headers?: Record<string, string>;
  /** Of several in the document. */
  operationName?: string;
}

/** Runs one operation outside the editor. Rejects only if no GraphQL answer came. */
export async function ask<T>(query: string, variables: object = {}, options: Options = {}): Promise<Answer<T>> {
  const { signal, headers, operationName } = options;
  const accept = 'application/graphql-response+json';
  const response = await reached(endpoint, {
    method: 'POST',
    headers: { ...headers, 'content-type': 'application/json', accept, ...identity() },
    body: JSON.stringify({ query, variables, operationName }),
    signal,
  });
  return (await response.json()) as Answer<T>;
}

interface Upload {
  signal: AbortSignal;
  operationName: string;
  /** How many bytes have gone. */
  onProgress: (bytes: number) => void;
}

/** The same with files beside it, as the GraphQL multipart request specification has it. */
export async function send<T>(query: string, variables: object, files: Map<string, File>, upload: Upload): Promise<Answer<T>> {
  const body = new FormData();
  const paths = [...files.keys()];
  body.set('operations', JSON.stringify({ query, variables, operationName: upload.operationName }));
  body.set('map', JSON.stringify(Object.fromEntries(paths.map((path, index) => [String(index), [path]]))));
  paths.forEach((path, index) => body.set(String(index), files.get(path)!));
  const headers = { accept: 'application/graphql-response+json', 'graphql-require-preflight': '1', ...identity() };
  const { status, responseText } = await posted(body, headers, upload);
  try {
    return JSON.parse(responseText) as Answer<T>;
  } catch {
    throw foreign(status);
  }
}

/** Not by `fetch`, which does not say how much has gone. */
function posted(body: FormData, headers: Record<string, string>, { signal, onProgress }: Upload): Promise<XMLHttpRequest> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open('POST', endpoint);
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = ({ loaded }) => onProgress(loaded);
    request.onload = () => resolve(request);
    request.onerror = () => reject(unreachable());
    request.onabort = () => reject(new Error('Sending was cancelled.'));
    signal.addEventListener('abort', () => request.abort());
    request.send(body);
  });
}

let sockets: Client | undefined;

function socket(): Client {
  sockets ??= createClient({
    url: endpoint.replace(/^http/, 'ws'),
    connectionParams: identity,
    lazyCloseTimeout: 10_000,
    retryAttempts: 2,
  });
  return sockets;
}

/** What a subscription tells. Rejects with the errors of the answer, or with a problem in words. */
export function told<T>(payload: SubscribePayload): AsyncIterableIterator<Answer<T>> {
  const events = socket().iterate<T>(payload);
  return {
    next: () =>
      events.next().catch((error: unknown) => {
        throw Array.isArray(error) ? error : closed(error);
      }) as Promise<IteratorResult<Answer<T>>>,
    // Not by a generator around it: that would wait for the next event before it ended this.
    return: () => events.return!() as Promise<IteratorResult<Answer<T>>>,
    [Symbol.asyncIterator]() {
      return this;
    },
  };
}

function closed(event: unknown): Error {
  const isTold = event instanceof CloseEvent && event.reason !== '';
  return isTold ? problem(`The gateway closed the connection: ${event.reason} (${event.code}).`) : unreachable();
}

/** What the editor runs with. Bills are asked for with their calls. */
export const fetcher: Fetcher = (params, options) => {
  // Whoever runs at once what was just typed or opened meets an editor that still knows the operation before it.
  const tree = parsed(params.query) ?? undefined;
  const operationName = tree ? named(tree, params.operationName) : params.operationName;
  if (tree && operationNamed(tree, operationName)?.operation === 'subscription') {
    const { query, variables } = params;
    return told({ query, variables: variables as Record<string, unknown>, operationName }) as FetcherReturnType;
  }
  const headers = { 'x-billing-explain': '1', ...identity() };
  const run = createGraphiQLFetcher({ url: endpoint, headers, fetch: reached });
  return run({ ...params, operationName }, { ...options, documentAST: tree });
};
