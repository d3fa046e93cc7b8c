// What an application does with the generated types: it compiles only if they say what the graph says.
import type { ResultOf, VariablesOf } from '@graphql-typed-document-node/core';
import { CreateHighlightDocument, TrayWithItemsDocument, WatchFlowDocument } from './gql/graphql';

export const variables: VariablesOf<typeof TrayWithItemsDocument> = { username: 'natgeo', highlights: 3 };

export function firstKind(answer: ResultOf<typeof TrayWithItemsDocument>): 'PHOTO' | 'VIDEO' | 'ALBUM' | null {
  return answer.user?.highlights?.nodes[0]?.items?.nodes[0]?.kind ?? null;
}

export const wanted: VariablesOf<typeof CreateHighlightDocument> = {
  account: '787132',
  title: 'Reef',
  media: [{ url: 'https://images.example.com/reef.jpg' }],
  idempotencyKey: 'reef-1',
};

export function isOver(answer: ResultOf<typeof WatchFlowDocument>): boolean {
  return answer.flow.state === 'DONE' || answer.flow.state === 'FAILED';
}

// @ts-expect-error a medium is exactly one of url, file, mediaId, storyId
export const twice: VariablesOf<typeof CreateHighlightDocument>['media'] = [{ url: 'https://a.example', mediaId: '1' }];
