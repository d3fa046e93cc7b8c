import { useEffect } from 'react';
import { said } from '../shared/gateway';
import { store } from '../shared/store';
import { cancel, hasEnded, list, retry, type Begun, type Flow } from './flow';

const PAUSE = 2_000; // milliseconds

/** The client's flows that run, or that can be taken up again; newest first. */
export const running = store<Flow[]>([]);
/** Why something could not be done, by the id of the flow. */
export const refusals = store<Record<string, string>>({});

export async function refresh(): Promise<void> {
  const found = await list().catch(() => null);
  if (found) running.set(found.filter((flow) => !hasEnded(flow) || flow.retryable));
}

export const cancelled = (id: string): Promise<void> => act(id, cancel);
export const retried = (id: string): Promise<void> => act(id, retry);

async function act(id: string, change: (id: string) => Promise<Begun>): Promise<void> {
  const { [id]: _, ...others } = refusals.get();
  refusals.set(others);
  try {
    const refused = (await change(id)).userErrors[0];
    if (refused) refusals.set({ ...others, [id]: refused.message });
  } catch (error) {
    refusals.set({ ...others, [id]: said(error) });
  }
  await refresh();
}

/** Asks as long as it is shown and a flow runs: it costs nothing. */
export function useRunning(): Flow[] {
  const flows = running.use();
  const runs = flows.some((flow) => !hasEnded(flow));
  useEffect(() => void refresh(), []);
  useEffect(() => {
    if (!runs) return undefined;
    const timer = window.setInterval(() => void refresh(), PAUSE);
    return () => window.clearInterval(timer);
  }, [runs]);
  return flows;
}
