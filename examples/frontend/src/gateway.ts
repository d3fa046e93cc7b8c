import type { TypedDocumentString } from './gql/graphql';
import { isProblem, UNREACHABLE, type Problem } from './problems';

export interface Answer<Result> {
  /** What could not be had is null in it, with a problem beside it. */
  data: Result | null;
  problems: Problem[];
}

export interface Gateway {
  /** Never rejects. What `signal` aborts ends without data: the gateway then buys nothing more for it. */
  ask<Result, Variables>(
    document: TypedDocumentString<Result, Variables>,
    variables: Variables,
    about: { label: string; signal: AbortSignal },
  ): Promise<Answer<Result>>;
}

/** `told` hears what each request was billed, in requests of the upstream. */
export function connect(url: string, told: (label: string, billed: number) => void): Gateway {
  const post = async (body: object, signal: AbortSignal) => {
    const headers = { 'content-type': 'application/json', accept: 'application/graphql-response+json' };
    const response = await fetch(url, { method: 'POST', headers, body: JSON.stringify(body), signal });
    const { data = null, errors = [] } = await response.json();
    const billed = Number(response.headers.get('X-Billed-Requests') ?? 0);
    return { data, billed, problems: (errors as unknown[]).filter(isProblem) };
  };
  return {
    async ask(document, variables, { label, signal }) {
      try {
        let answer = await post({ documentId: document.__meta__?.['hash'], variables }, signal);
        // An older gateway, or a query that was changed since: it is sent in full.
        if (answer.problems.some(({ extensions }) => extensions.code === 'PERSISTED_QUERY_NOT_FOUND')) {
          answer = await post({ query: document.toString(), variables }, signal);
        }
        told(label, answer.billed);
        return answer;
      } catch {
        return { data: null, problems: signal.aborted ? [] : [UNREACHABLE] };
      }
    },
  };
}
