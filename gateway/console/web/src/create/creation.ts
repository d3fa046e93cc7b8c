import { said } from '../shared/gateway';
import { store } from '../shared/store';
import * as flows from './flow';
import { hasEnded, type Flow } from './flow';
import type { Medium } from './media';
import { mistakesOf, remaining, type Mistake } from './mistakes';
import { refresh } from './running';

/** What is in the form. */
export interface Draft {
  account: string | null;
  title: string;
  media: Medium[];
  /** The id of a medium; null for the first. */
  cover: number | null;
}

/** What became of the form. */
export interface Creation {
  /** In the order in which they were sent, which is how a flow names them. */
  media: Medium[];
  /** How many bytes have gone; null where nothing is being sent. */
  sent: number | null;
  flow: Flow | null;
  mistakes: Mistake[];
  problem: string | null;
}

const EMPTY: Draft = { account: null, title: '', media: [], cover: null };
const NOTHING: Creation = { media: [], sent: null, flow: null, mistakes: [], problem: null };

export const isUnderWay = ({ sent, flow }: Creation): boolean => sent !== null || (flow !== null && !hasEnded(flow));

/** Both live as long as the page, whichever panel is shown. */
export const draft = store(EMPTY);
export const creation = store(NOTHING);

let request = { input: '', idempotencyKey: '' };
let leaving = new AbortController();

/** Changes the form. What was said of what is changed goes, and so does a flow that has ended. */
export function edit(change: Partial<Draft>): void {
  draft.set({ ...draft.get(), ...change });
  const { flow, mistakes, ...rest } = creation.get();
  const left = remaining(mistakes, new Set(Object.keys(change)), draft.get().media);
  creation.set({ ...rest, problem: null, mistakes: left, flow: flow && hasEnded(flow) ? null : flow });
}

/** An empty form for the same account. A flow that runs goes on. */
export function startOver(): void {
  leaving.abort();
  leaving = new AbortController();
  draft.set({ ...EMPTY, account: draft.get().account });
  creation.set(NOTHING);
  void refresh();
}

/** Until there is an answer, sending the same input again is the same request, so it carries the same key. */
export async function create(account: string): Promise<void> {
  const { title, media, cover } = draft.get();
  const order = { account, title: title.trim(), media, cover: placeOf(cover, media) };
  const input = JSON.stringify({ ...order, media: media.map(({ id }) => id) });
  if (request.input !== input) request = { input, idempotencyKey: freshKey() };
  creation.set({ ...NOTHING, media, sent: 0 });
  await watch((signal) => {
    const onProgress = (bytes: number) => creation.set({ ...creation.get(), sent: bytes });
    return flows.begin({ ...order, idempotencyKey: request.idempotencyKey }, { signal, onProgress });
  });
}

export async function again(): Promise<void> {
  const { flow } = creation.get();
  if (flow) await watch(() => flows.retry(flow.id));
}

/** Stops the sending, or what was begun by it. */
export async function cancel(): Promise<void> {
  const { flow, sent } = creation.get();
  if (sent !== null) return leaving.abort();
  if (!flow) return;
  try {
    const { userErrors } = await flows.cancel(flow.id);
    if (userErrors[0]) creation.set({ ...creation.get(), problem: userErrors[0].message });
  } catch (error) {
    creation.set({ ...creation.get(), problem: said(error) });
  }
}

export function placeOf(cover: number | null, media: Medium[]): number {
  return Math.max(0, media.findIndex(({ id }) => id === cover));
}

/** Of two at once, the later one has the word. */
async function watch(start: (signal: AbortSignal) => Promise<flows.Begun>): Promise<void> {
  leaving.abort();
  const mine = (leaving = new AbortController());
  const change = (next: Partial<Creation>) => leaving === mine && creation.set({ ...creation.get(), ...next });
  change({ problem: null, mistakes: [] });
  try {
    const { flow, userErrors } = await start(mine.signal);
    if (flow) request = { input: '', idempotencyKey: '' };
    const { media, flow: known } = creation.get();
    change({ sent: null, mistakes: mistakesOf(userErrors, media), flow: flow ?? known });
    if (flow && !hasEnded(flow)) for await (const next of flows.follow(flow.id, mine.signal)) change(next);
  } catch (error) {
    change({ sent: null, problem: mine.signal.aborted ? 'Sending was cancelled.' : said(error) });
  }
}

/** Not `randomUUID`, which pages from plain http on other machines have not got. */
function freshKey(): string {
  return `console-${[...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}
