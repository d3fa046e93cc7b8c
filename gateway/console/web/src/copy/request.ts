import { parse, type DocumentNode } from 'graphql';
import { operationNamed, operationsIn } from '../shared/documents';
import { KEY, endpoint, key } from '../shared/gateway';

/** What the editors say, as it goes over HTTP. */
export interface Request {
  url: string;
  headers: Record<string, string>;
  /** The header that a key belongs into, where the gateway wants one. The key itself is nobody else's business. */
  keyHeader: string | null;
  query: string;
  variables: object;
  operationName: string | undefined;
  /** The answer comes in parts, for as long as it takes. */
  streams: boolean;
}

const AUTHORITY = new Set(['authorization', KEY]);
const DEFERS = /@(defer|stream)\b/;

/** Throws where one of the texts is not what it should be. */
export function requestOf(query: string, variables: string, headers: string, operationName: string | undefined): Request {
  const document = parse(query);
  const given = Object.entries(jsonOf(headers)).map(([name, value]) => [name.toLowerCase(), String(value)] as const);
  const authority = given.find(([name]) => AUTHORITY.has(name))?.[0];
  const accept = acceptOf(document, query, operationName);
  return {
    url: endpoint,
    headers: {
      'content-type': 'application/json',
      ...(accept ? { accept } : {}),
      ...Object.fromEntries(given.filter(([name]) => !AUTHORITY.has(name))),
    },
    keyHeader: authority ?? (key.get() ? KEY : null),
    query,
    variables: jsonOf(variables),
    operationName: operationsIn(document).length > 1 ? operationName : undefined,
    streams: accept !== null,
  };
}

function acceptOf(document: DocumentNode, query: string, operationName: string | undefined): string | null {
  if (operationNamed(document, operationName)?.operation === 'subscription') return 'text/event-stream';
  return DEFERS.test(query) ? 'multipart/mixed' : null;
}

const jsonOf = (text: string): object => (text.trim() ? (JSON.parse(text) as object) : {});
