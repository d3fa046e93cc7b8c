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
const KEY = 'x-api-key';

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

/** Runs one operation outside the editor. Rejects only if no GraphQL answer came. */
export async function ask<T>(query: string, variables: object = {}, signal?: AbortSignal): Promise<Answer<T>> {
  const response = await fetch(endpoint, {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/graphql-response+json', ...identity() },
    body: JSON.stringify({ query, variables }),
    signal,
  });
  return (await response.json()) as Answer<T>;
}

/** The same with files beside it, as the GraphQL multipart request specification has it. */
export async function send<T>(query: string, variables: object, files: Map<string, File>): Promise<Answer<T>> {
  const body = new FormData();
  const paths = [...files.keys()];
  body.set('operations', JSON.stringify({ query, variables }));
  body.set('map', JSON.stringify(Object.fromEntries(paths.map((path, index) => [String(index), [path]]))));
  paths.forEach((path, index) => body.set(String(index), files.get(path)!));
  const headers = { accept: 'application/graphql-response+json', 'graphql-require-preflight': '1', ...identity() };
  const response = await fetch(endpoint, { method: 'POST', headers, body });
  return (await response.json()) as Answer<T>;
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
