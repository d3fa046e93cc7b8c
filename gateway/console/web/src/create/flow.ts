import { ask, send, socket, type Answer } from '../shared/gateway';
import type { Medium } from './media';
import { asInput } from './media';

export interface Step {
  name: string;
  medium: number | null;
  state: 'RUNNING' | 'DONE' | 'FAILED';
  attempts: number;
  error: { message: string } | null;
}

export interface Flow {
  id: string;
  kind: 'CREATE' | 'UPDATE' | 'DELETE';
  account: string;
  state: string;
  progress: number;
  createdAt: string;
  steps: Step[];
  error: { code: string; message: string; medium: number | null } | null;
  retryable: boolean;
}

export interface UserError {
  field: string[];
  code: string;
  message: string;
}

export interface Account {
  id: string;
  username: string | null;
}

const FLOW = `id kind account state progress createdAt retryable error { code message medium }
  steps { name medium state attempts error { message } }`;
const CREATE = `mutation Create($input: CreateHighlightInput!) {
  createHighlight(input: $input) { flow { ${FLOW} } userErrors { field code message } }
}`;
const WATCH = `subscription Watch($id: ID!) { flow(id: $id) { ${FLOW} } }`;
const LOOK = `query Look($id: ID!) { flow(id: $id) { ${FLOW} } }`;
const LIST = `query Flows { flows(first: 50) { nodes { ${FLOW} } } }`;
const RETRY = `mutation Retry($id: ID!) { retryFlow(id: $id) { flow { ${FLOW} } userErrors { field code message } } }`;
const CANCEL = `mutation Cancel($id: ID!) { cancelFlow(id: $id) { flow { ${FLOW} } userErrors { field code message } } }`;
const ACCOUNTS = 'query Accounts { accounts { id username } }';
export const TRAY = `query NewTray($account: ID!) {
  user(by: { id: $account }) {
    id
    username
    profilePictureUrl(proxied: true)
    highlights {
      nodes {
        id
        title
        mediaCount
        cover {
          url(proxied: true)
        }
      }
    }
  }
}
`;
const ENDED = new Set(['DONE', 'FAILED', 'CANCELLED']);
const POLL = 700; // milliseconds

export const hasEnded = (flow: Flow): boolean => ENDED.has(flow.state);

export interface Order {
  account: string;
  title: string;
  media: Medium[];
  cover: number;
  idempotencyKey: string;
}

export type Begun = { flow: Flow | null; userErrors: UserError[] };

/** `onProgress` is told how many bytes of the files have gone. */
export async function begin(
  { media, cover, ...rest }: Order,
  upload: { signal: AbortSignal; onProgress: (bytes: number) => void },
): Promise<Begun> {
  const { input, files } = asInput(media);
  const variables = { input: { ...rest, media: input, cover: { index: cover }, waitSeconds: 0 } };
  const answer = files.size
    ? await send<{ createHighlight: Begun }>(CREATE, variables, files, upload)
    : await ask<{ createHighlight: Begun }>(CREATE, variables, { signal: upload.signal });
  return data(answer).createHighlight;
}

export async function retry(id: string): Promise<Begun> {
  return data(await ask<{ retryFlow: Begun }>(RETRY, { id })).retryFlow;
}

export async function cancel(id: string): Promise<Begun> {
  return data(await ask<{ cancelFlow: Begun }>(CANCEL, { id })).cancelFlow;
}

export async function list(): Promise<Flow[]> {
  return data(await ask<{ flows: { nodes: Flow[] } }>(LIST)).flows.nodes;
}

export async function accounts(): Promise<Account[]> {
  return data(await ask<{ accounts: Account[] }>(ACCOUNTS)).accounts;
}

/** The flow after each change until it has ended: by subscription, and by asking where none can be had. */
export async function* follow(id: string, signal: AbortSignal): AsyncGenerator<Flow> {
  try {
    for await (const flow of told(id, signal)) yield flow;
  } catch {
    for await (const flow of asked(id, signal)) yield flow;
  }
}

async function* told(id: string, signal: AbortSignal): AsyncGenerator<Flow> {
  const events = socket().iterate<{ flow: Flow }>({ query: WATCH, variables: { id } });
  signal.addEventListener('abort', () => void events.return?.());
  for await (const event of events) yield data(event as Answer<{ flow: Flow }>).flow;
}

async function* asked(id: string, signal: AbortSignal): AsyncGenerator<Flow> {
  while (!signal.aborted) {
    const { flow } = data(await ask<{ flow: Flow | null }>(LOOK, { id }, { signal }));
    if (!flow) return;
    yield flow;
    if (hasEnded(flow)) return;
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}

/** Throws the first error where there is nothing else. */
function data<T>({ data, errors }: Answer<T>): T {
  if (!data) throw new Error(errors?.[0]?.message ?? 'No answer came.');
  return data;
}
