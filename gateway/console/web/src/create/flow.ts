import ACCOUNTS from '../../../operations/accounts.graphql?raw';
import FLOWS from '../../../operations/flows.graphql?raw';
import { ask, data, said, send, told } from '../shared/gateway';
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
  kind: string;
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

interface Connected {
  id: string;
  user: { username: string | null };
}

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
  const operationName = 'Create';
  const answer = files.size
    ? await send<{ createHighlight: Begun }>(FLOWS, variables, files, { ...upload, operationName })
    : await ask<{ createHighlight: Begun }>(FLOWS, variables, { signal: upload.signal, operationName });
  return data(answer).createHighlight;
}

export async function retry(id: string): Promise<Begun> {
  return data(await ask<{ retryFlow: Begun }>(FLOWS, { id }, { operationName: 'Retry' })).retryFlow;
}

export async function cancel(id: string): Promise<Begun> {
  return data(await ask<{ cancelFlow: Begun }>(FLOWS, { id }, { operationName: 'Cancel' })).cancelFlow;
}

export async function list(): Promise<Flow[]> {
  return data(await ask<{ flows: { nodes: Flow[] } }>(FLOWS, {}, { operationName: 'Flows' })).flows.nodes;
}

export async function accounts(): Promise<Account[]> {
  const found = data(await ask<{ accounts: Connected[] }>(ACCOUNTS)).accounts;
  return found.map(({ id, user }) => ({ id, username: user.username }));
}

/** What is known of a flow by now; or why nothing is, while that is tried again. */
export type Followed = { flow?: Flow | null; problem: string | null };

/**
 * The flow after each change until it has ended: by subscription, and by asking where none can be had. A gateway that is
 * away for a while takes the flow up again, so it is asked until it is back.
 */
export async function* follow(id: string, signal: AbortSignal): AsyncGenerator<Followed> {
  try {
    for await (const flow of changes(id, signal)) {
      yield { flow, problem: null };
      if (hasEnded(flow)) return;
    }
  } catch {
    // By asking, then.
  }
  yield* asked(id, signal);
}

async function* changes(id: string, signal: AbortSignal): AsyncGenerator<Flow> {
  const events = told<{ flow: Flow }>({ query: FLOWS, variables: { id }, operationName: 'Watch' });
  signal.addEventListener('abort', () => void events.return!());
  for await (const event of events) yield data(event).flow;
}

async function* asked(id: string, signal: AbortSignal): AsyncGenerator<Followed> {
  while (!signal.aborted) {
    const known = await look(id, signal).catch((error: unknown) => ({ problem: `${said(error)} Trying again …` }));
    yield known;
    if ('flow' in known && (!known.flow || hasEnded(known.flow))) return;
    await new Promise((resolve) => setTimeout(resolve, POLL));
  }
}

async function look(id: string, signal: AbortSignal): Promise<Followed> {
  const { flow } = data(await ask<{ flow: Flow | null }>(FLOWS, { id }, { signal, operationName: 'Look' }));
  return { flow, problem: flow ? null : 'The gateway does not know this flow any more.' };
}
