import CONNECTIONS from '../../../operations/connections.graphql?raw';
import { ask, data, said } from '../shared/gateway';
import { store } from '../shared/store';

export type State = 'CONNECTED' | 'EXPIRING' | 'RECONNECT_REQUIRED' | 'RESTRICTED' | 'DISCONNECTED';
export type Scope = 'PUBLISH' | 'COMMENTS' | 'INSIGHTS';

export interface Connection {
  id: string;
  state: State;
  scopes: string[];
  tokenExpiresAt: string | null;
  user: { username: string | null };
}

interface Payload {
  authorizeUrl?: string | null;
  userErrors: { message: string }[];
}

const OUTCOMES: Record<string, string> = {
  connected: 'The account is connected.',
  denied: 'The owner of the account refused. Nothing was connected.',
  failed: 'The platform did not connect the account. Try again.',
  not_allowed: 'You may not connect this account.',
  other_account: 'That was another account than the one to reconnect. Nothing was changed.',
};

/** What the platform's page ended with, if the browser comes from there. The address is as before then. */
export const outcome: string | null = returned();

/** Null until they are known. */
export const connections = store<Connection[] | null>(null);
export const trouble = store<string | null>(null);

function returned(): string | null {
  const address = new URL(location.href);
  const name = address.searchParams.get('connection');
  if (name === null) return null;
  address.searchParams.delete('connection');
  address.searchParams.delete('account');
  history.replaceState(history.state, '', address);
  return OUTCOMES[name] ?? null;
}

export async function load(): Promise<void> {
  await attempted(async () => {
    const answer = await ask<{ accounts: Connection[] }>(CONNECTIONS, {}, { operationName: 'Connections' });
    connections.set(data(answer).accounts);
  });
}

/** Leaves for the platform's page. */
export async function connect(scopes: Scope[], reconnect?: string): Promise<void> {
  await attempted(async () => {
    const variables = { returnTo: `${location.origin}${location.pathname}`, scopes, reconnect };
    const answer = await ask<{ connectAccount: Payload }>(CONNECTIONS, variables, { operationName: 'Connect' });
    location.assign(accepted(data(answer).connectAccount).authorizeUrl!);
  });
}

export async function disconnect(account: string): Promise<void> {
  await attempted(async () => {
    const answer = await ask<{ disconnectAccount: Payload }>(CONNECTIONS, { account }, { operationName: 'Disconnect' });
    accepted(data(answer).disconnectAccount);
  });
  await load();
}

async function attempted(act: () => Promise<void>): Promise<void> {
  const problem = await act().then(() => null, said);
  trouble.set(problem);
}

function accepted(payload: Payload): Payload {
  if (payload.userErrors.length > 0) throw new Error(payload.userErrors.map(({ message }) => message).join(' '));
  return payload;
}
