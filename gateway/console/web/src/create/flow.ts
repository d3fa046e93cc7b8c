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
  state: string;
  progress: number;
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

const FLOW = `id state progress retryable error { code message medium }
  steps { name medium state attempts error { message } }`;
const CREATE = `mutation Create($input: CreateHighlightInput!) {
  createHighlight(input: $input) { flow { ${FLOW} } userErrors { field code message } }
}`;
const WATCH = `subscription Watch($id: ID!) { flow(id: $id) { ${FLOW} } }`;
const LOOK = `query Look($id: ID!) { flow(id: $id) { ${FLOW} } }`;
const RETRY = `mutation Retry($id: ID!) { retryFlow(id: $id) { flow { ${FLOW} } userErrors { field code message } } }`;
const ACCOUNTS = 'query Accounts { accounts { id username } }';
export const TRAY = `query NewTray($account: ID!) {
  user(by: { id: $account }) {
    id
    username
    profilePictureUrl
    highlights {
      nodes {
        id
        title
        mediaCount
        cover {
          url
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

type Begun = { flow: Flow | null; userErrors: UserError[] };

export async function begin({ media, cover, ...rest }: Order): Promise<Begun> {
  const { input, files } = asInput(media);
  const variables = { input: { ...rest, media: input, cover: { index: cover }, waitSeconds: 0 } };
  const answer = files.size
    ? await send<{ createHighlight: Begun }>(CREATE, variables, files)
    : await ask<{ createHighlight: Begun }>(CREATE, variables);
  return data(answer).createHighlight;
}

export async function retry(id: string): Promise<Begun> {
  return data(await ask<{ retryFlow: Begun }>(RETRY, { id })).retryFlow;
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
    const { flow } = data(await ask<{ flow: Flow | null }>(LOOK, { id }, signal));
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
