import type { GraphQLSchema } from 'graphql';
import type { Billing } from '../shared/answer';
import { ask } from '../shared/gateway';
import { highlightsIn, type Highlight } from './find';

const PLAYED = (media: string) => `query Played($id: ID!) {
  highlight(by: { id: $id }) {
    id title mediaCount missingItemIds
    cover { url${media} }
    user { id username fullName profilePictureUrl${media} }
    items {
      nodes {
        id takenAt thumbnailUrl${media} videoUrl${media}
        mentions { user { username } x y width height }
        links { url x y width height rotation }
      }
    }
  }
}`;

/** A highlight with all that the player shows, and what that was charged. Throws what is to be told instead. */
export async function played(id: string, schema: GraphQLSchema | null | undefined) {
  const query = PLAYED(isProxying(schema) ? '(proxied: true)' : '');
  const { data, errors, extensions } = await ask<object>(query, { id });
  const found = highlightsIn(data).find((one) => one.id === id);
  if (!found) throw new Error(errors?.[0]?.message ?? 'The highlight did not come.');
  const charged = (extensions as { billing?: Billing } | undefined)?.billing?.charged ?? 0;
  return { highlight: found as Highlight, charged };
}

/** Whether the gateway can stand between the browser and picture servers that forbid other sites. */
function isProxying(schema: GraphQLSchema | null | undefined): boolean {
  const item = schema?.getType('Item');
  const field = item && 'getFields' in item ? item.getFields()['thumbnailUrl'] : undefined;
  return Boolean(field && 'args' in field && field.args.some((argument) => argument.name === 'proxied'));
}
