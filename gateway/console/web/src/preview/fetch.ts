import PLAYED from '../../../operations/played.graphql?raw';
import type { Billing } from '../shared/answer';
import { ask } from '../shared/gateway';
import { highlightsIn, type Highlight } from './find';

/** A highlight with all that the player shows, and what that was charged. Throws what is to be told instead. */
export async function played(id: string) {
  const { data, errors, extensions } = await ask<object>(PLAYED, { id });
  const found = highlightsIn(data).find((one) => one.id === id);
  if (!found) throw new Error(errors?.[0]?.message ?? 'The highlight did not come.');
  const charged = (extensions as { billing?: Billing } | undefined)?.billing?.charged ?? 0;
  return { highlight: found as Highlight, charged };
}
