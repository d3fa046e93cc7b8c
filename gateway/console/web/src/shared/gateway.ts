import { createGraphiQLFetcher, type Fetcher } from '@graphiql/toolkit';
import { createClient, type Client } from 'graphql-ws';
import { named, parsed } from './documents';

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

interface Options {
  signal?: AbortSignal;
  headers?: Record<string, string>;
}

/** Runs one operation outside the editor. Rejects only if no GraphQL answer came. */
export async function ask<T>(query: string, variables: object = {}, options: Options = {}): Promise<Answer<T>> {
  const accept = 'application/graphql-response+json';
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { ...options.headers, 'content-type': 'application/json', accept, ...identity() },
    body: JSON.stringify({ query, variables }),
    signal: options.signal,
  });
  return (await response.json()) as Answer<T>;
}

interface Upload {
  signal: AbortSignal;
  /** How many bytes have gone. */
  onProgress: (bytes: number) => void;
}

/** The same with files beside it, as the GraphQL multipart request specification has it. */
export async function send<T>(query: string, variables: object, files: Map<string, File>, upload: Upload): Promise<Answer<T>> {
  const body = new FormData();
  const paths = [...files.keys()];
  body.set('operations', JSON.stringify({ query, variables }));
  body.set('map', JSON.stringify(Object.fromEntries(paths.map((path, index) => [String(index), [path]]))));
  paths.forEach((path, index) => body.set(String(index), files.get(path)!));
  const headers = { accept: 'application/graphql-response+json', 'graphql-require-preflight': '1', ...identity() };
  const { status, responseText } = await posted(body, headers, upload);
  try {
    return JSON.parse(responseText) as Answer<T>;
  } catch {
    throw new Error(`What answered was not the gateway (status ${status}).`);
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
    request.onerror = () => reject(new Error('The gateway could not be reached.'));
    request.onabort = () => reject(new Error('Sending was cancelled.'));
    signal.addEventListener('abort', () => request.abort());
    request.send(body);
  });
}

let sockets: Client | undefined;

export function socket(): Client {
  sockets ??= createClient({
    url: endpoint.replace(/^http/, 'ws'),
    connectionParams: identity,
    lazyCloseTimeout: 10_000,
    retryAttempts: 2,
  });
  return sockets;
}

/** What the editor runs with. Bills are asked for with their calls. */
export const fetcher: Fetcher = async (params, options) => {
  const run = createGraphiQLFetcher({
    url: endpoint,
    headers: { 'x-billing-explain': '1', ...identity() },
    wsClient: socket(),
  });
  // Whoever runs at once what was just typed or opened meets an editor that still knows the operation before it.
  const tree = parsed(params.query) ?? undefined;
  const operationName = tree ? named(tree, params.operationName) : params.operationName;
  return run({ ...params, operationName }, { ...options, documentAST: tree });
};
