import { useEffect, useState } from 'react';
import { said } from '../shared/gateway';
import { store } from '../shared/store';
import { accounts, type Account } from './flow';

const PAUSE = 2_000; // milliseconds

/** Null until they are known. */
const own = store<Account[] | null>(null);

/** Asks until there is one: soon after its start a gateway does not know yet whose accounts there are. */
export function useAccounts(): { known: Account[] | null; problem: string | null } {
  const known = own.use();
  const [problem, setProblem] = useState<string | null>(null);
  useEffect(() => {
    let timer: number | undefined;
    let isLeft = false;
    const look = async () => {
      const error = await accounts().then(own.set, said);
      if (isLeft) return;
      setProblem(error ?? null);
      if (error || own.get()?.length === 0) timer = window.setTimeout(() => void look(), PAUSE);
    };
    void look();
    return () => {
      isLeft = true;
      window.clearTimeout(timer);
    };
  }, []);
  return { known, problem };
}
