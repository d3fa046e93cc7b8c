import PLAYED from '../../../operations/played.graphql?raw';
import type { Billing } from '../shared/answer';
import { ask, type Answer } from '../shared/gateway';
import { highlightsIn } from './find';
import { itemsIn } from './items';
import type { Reel } from './reels';

interface Playable {
  reel: Reel;
  charged: number;
}

/** All that the player shows of it, and what that was charged. Throws what is to be told instead. */
export function played(reel: Reel): Promise<Playable> {
  return reel.kind === 'highlight' ? playedHighlight(reel) : playedStories(reel);
}

async function playedHighlight({ id }: Reel): Promise<Playable> {
  const answer = await ask<object>(PLAYED, { id }, { operationName: 'Played' });
  const found = highlightsIn(answer.data).find((one) => one.id === id);
  if (!found) throw new Error(answer.errors?.[0]?.message ?? 'The highlight did not come.');
  return { reel: found, charged: chargeOf(answer) };
}

async function playedStories(reel: Reel): Promise<Playable> {
  const answer = await ask<object>(PLAYED, { id: reel.id }, { operationName: 'PlayedStories' });
  const items = itemsIn(answer.data);
  if (items.length === 0) throw new Error(answer.errors?.[0]?.message ?? 'No story is live any more.');
  return { reel: { ...reel, items }, charged: chargeOf(answer) };
}

function chargeOf({ extensions }: Answer<object>): number {
  return (extensions as { billing?: Billing } | undefined)?.billing?.charged ?? 0;
}
