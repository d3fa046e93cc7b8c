/** An error of an answer. Messages may change: what is done depends on the code alone. */
export interface Problem {
  message: string;
  extensions: { code: string; retryAfter?: number; resetsAt?: string };
}

export const UNREACHABLE: Problem = {
  message: 'The gateway gave no answer.',
  extensions: { code: 'UNREACHABLE' },
};

export function isProblem(value: unknown): value is Problem {
  const { message, extensions } = value as Partial<Problem>;
  return typeof message === 'string' && typeof extensions?.code === 'string';
}

export interface Telling {
  title: string;
  advice: string;
  /** Whether asking again may help. */
  again: boolean;
}

const FINAL: Record<string, [title: string, advice: string]> = {
  NOT_FOUND: ['Nobody is there', 'There is no such user or highlight, or not any more.'],
  PRIVATE_ACCOUNT: ['This account is private', 'It shows its highlights to followers only.'],
  BAD_USER_INPUT: ['That is no user name', 'Letters, digits, dots and underscores make one, 30 of them at most.'],
  UNAUTHENTICATED: ['The gateway asks for a key', 'Start this page with HIGHLIGHTS_KEY set to one.'],
  FORBIDDEN: ['The key may not do this', 'It needs the right to read.'],
  BUDGET_EXCEEDED: ['That costs too much at once', 'One request of this client may not cost as much.'],
  INSUFFICIENT_FUNDS: ['The account behind the gateway is empty', 'What is cached still comes.'],
};

const PASSING: Record<string, [title: string, advice: string]> = {
  UNREACHABLE: ['The gateway cannot be reached', 'Is it running? `make serve` starts one.'],
  ALLOWANCE_EXCEEDED: ['The allowance is spent', 'What is cached still comes.'],
  UPSTREAM_RATE_LIMITED: ['Too many are asking at once', 'The upstream wants fewer requests.'],
  UPSTREAM_UNAVAILABLE: ['Instagram does not answer', 'The upstream fails at the moment.'],
  UPSTREAM_TIMEOUT: ['Instagram takes too long', 'No answer came in time.'],
};

export function telling({ message, extensions: { code, retryAfter, resetsAt } }: Problem): Telling {
  const final = FINAL[code];
  if (final) return { title: final[0], advice: final[1], again: false };
  const [title, advice] = PASSING[code] ?? ['That did not work', message];
  return { title, advice: [advice, when(retryAfter, resetsAt)].filter(Boolean).join(' '), again: true };
}

function when(retryAfter: number | undefined, resetsAt: string | undefined): string {
  if (resetsAt) return `Again from ${new Date(resetsAt).toLocaleTimeString()}.`;
  if (retryAfter) return `Again in ${Math.ceil(retryAfter)} seconds.`;
  return '';
}
